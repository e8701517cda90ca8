import { setTimeout } from 'node:timers/promises';
import { type Histogram, build } from 'hdr-histogram-js';
import { type Publisher, RegistryClient, type Subscriber } from '#client';
import { usSince } from '../harness/histograms.js';

const PAUSE_MS = 5;
/** A push later than this counts as missed. */
const PUSH_DEADLINE_MS = 1_000;

/**
 * One client that publishes ever new values, one after another, and another that is to be pushed each: what the users
 * of a registry would notice of a failure elsewhere.
 */
export class Load {
  published = 0;
  readonly failedPublishes: string[] = [];
  missedPushes = 0;
  readonly publishUs: Histogram = build();
  readonly pushUs: Histogram = build();
  private stopped = false;
  private running: Promise<void> = Promise.resolve();
  private readonly clients: RegistryClient[];
  private seen = -1;
  private onSeen: () => void = () => {};

  constructor(seeds: string[]) {
    this.clients = [new RegistryClient({ seeds }), new RegistryClient({ seeds })];
  }

  async start(): Promise<void> {
    const [publishing, watching] = this.clients as [RegistryClient, RegistryClient];
    const publisher = await publishing.publish({ dataId: 'failover', data: ['0'] });
    const subscriber: Subscriber = watching.subscribe({ dataId: 'failover' }, ({ publishers }) => {
      this.seen = Number(publishers[0]?.data[0] ?? -1);
      this.onSeen();
    });
    await subscriber.ready();
    this.running = this.run(publisher);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    await Promise.all(this.clients.map((client) => client.close({ drain: false })));
  }

  private async run(publisher: Publisher): Promise<void> {
    for (let value = 1; !this.stopped; value++) {
      const startMs = performance.now();
      const pushed = this.isPushed(value, startMs);
      try {
        await publisher.republish([String(value)]);
        this.published++;
        this.publishUs.recordValue(usSince(startMs));
      } catch (error) {
        this.failedPublishes.push(error instanceof Error ? error.message : String(error));
        continue;
      }
      if (!(await pushed)) this.missedPushes++;
      await setTimeout(PAUSE_MS);
    }
  }

  /** Whether the other client has seen this value, or a later one, in time. */
  private isPushed(value: number, startMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = globalThis.setTimeout(() => resolve(false), PUSH_DEADLINE_MS);
      this.onSeen = () => {
        if (this.seen < value) return;
        clearTimeout(timer);
        this.onSeen = () => {};
        this.pushUs.recordValue(usSince(startMs));
        resolve(true);
      };
    });
  }
}
