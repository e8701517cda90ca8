import { setTimeout } from 'node:timers/promises';
import type { Publisher, RegistryClient } from '#client';
import { http } from './http.js';

const PAUSE_MS = 10;

/**
 * Publishes again and again over services of which each has one instance of a client and one over HTTP, so that what is
 * there changes all the time and becomes neither more nor less. Counts what does not work.
 */
export class Churn {
  readonly failures: unknown[] = [];
  /** Writes that were told to come again, which only those over HTTP are. */
  again = 0;
  /** Rounds that are done. Each value names its round. */
  rounds = 0;
  private publishers: Publisher[] = [];
  private stopped = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: RegistryClient,
    private readonly base: string,
    private readonly services: readonly string[],
  ) {}

  /** Resolves once all is published for the first time. */
  async start(): Promise<void> {
    this.publishers = await Promise.all(
      this.services.map((dataId) => this.client.publish({ dataId, data: ['connected-0'] })),
    );
    for (const dataId of this.services) await this.post(dataId);
    this.running = this.run();
  }

  /** Resolves once everything has been published anew after this call. */
  async anew(): Promise<void> {
    const until = this.rounds + 2;
    while (this.rounds < until && this.failures.length === 0) await setTimeout(PAUSE_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  /** What everybody is shown of each service in the end. */
  get data(): string[] {
    return [`connected-${this.rounds}`, `leased-${this.rounds}`];
  }

  private async run(): Promise<void> {
    try {
      while (!this.stopped) await this.round();
    } catch (error) {
      this.failures.push(error);
    }
  }

  private async round(): Promise<void> {
    this.rounds++;
    const republished = this.publishers.map((publisher) => publisher.republish([`connected-${this.rounds}`]));
    await Promise.all([...republished, ...this.services.map((dataId) => this.post(dataId))]);
    await setTimeout(PAUSE_MS);
  }

  private async post(dataId: string): Promise<void> {
    const body = { dataId, registerId: dataId, data: [`leased-${this.rounds}`], leaseMs: 600_000 };
    const answer = await http('POST', `${this.base}/v1/publishers`, body);
    if (answer.status === 201) return undefined;
    if (answer.status !== 503 || !answer.headers.has('retry-after')) throw new Error(JSON.stringify(answer.body));
    this.again++;
    await setTimeout(PAUSE_MS);
    return this.post(dataId);
  }
}
