import { Worker } from 'node:worker_threads';
import type { Lane, Outcome } from './run-seeds.js';

/** Threads that run seeds of one simulation, each its own at a time. */
export class Workers {
  private readonly workers: Worker[];

  constructor(simulation: string, count: number) {
    const url = new URL('./lane.worker.js', import.meta.url);
    this.workers = Array.from({ length: count }, () => new Worker(url, { workerData: simulation }));
  }

  get lanes(): Lane[] {
    return this.workers.map((worker) => (seed) => {
      return new Promise<Outcome>((resolve, reject) => {
        const over = (): void => {
          worker.off('message', told);
          worker.off('error', broke);
        };
        const told = (outcome: Outcome): void => {
          over();
          resolve(outcome);
        };
        const broke = (error: Error): void => {
          over();
          reject(error);
        };
        worker.on('message', told);
        worker.on('error', broke);
        worker.postMessage(seed);
      });
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}
