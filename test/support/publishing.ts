import { setTimeout } from 'node:timers/promises';
import type { RegistryClient } from '#client';
import { http } from './http.js';

/** Publishes one instance after another, by RPC and by HTTP in turn, and counts what does not work. */
export class Publishing {
  readonly published: string[] = [];
  readonly failures: unknown[] = [];
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly client: RegistryClient,
    private readonly base: string,
    private readonly dataId: string,
    /** While slots move, a write over HTTP may be told to come again. */
    private readonly slotsMove: boolean,
  ) {
    this.running = this.run();
  }

  /** Resolves once this many more have been published. */
  async more(count: number): Promise<void> {
    const until = this.published.length + count;
    while (this.published.length < until && this.failures.length === 0) await setTimeout(5);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    for (let index = 0; !this.stopped; index++) {
      const value = `instance-${index}`;
      try {
        await this.publish(value, index % 2 === 0);
        this.published.push(value);
      } catch (error) {
        this.failures.push(error);
      }
      await setTimeout(20);
    }
  }

  private async publish(value: string, overHttp: boolean): Promise<void> {
    const { dataId } = this;
    if (!overHttp) return void (await this.client.publish({ dataId, data: [value] }));
    const { status, headers, body } = await http('POST', `${this.base}/v1/publishers`, {
      dataId,
      // So that one which was stored though its answer said to come again does not count twice.
      registerId: value,
      data: [value],
      leaseMs: 600_000,
    });
    if (status === 503 && headers.has('retry-after') && this.slotsMove) return this.publish(value, overHttp);
    if (status !== 201) throw new Error(JSON.stringify(body));
  }
}
