import { setTimeout } from 'node:timers/promises';
import { type Publisher, RegistryClient, type Subscriber } from '#client';

const SERVICES = 200;
const PUBLISHING_CLIENTS = 50;
const AT_ONCE = 100;
const SETTLE_MS = 60_000;

/** Live publications that change now and then and never leave, and subscribers that watch for one that does. */
export class Population {
  private readonly clients: RegistryClient[] = [];
  private readonly publishers: { publisher: Publisher; service: number; value: string }[] = [];
  private readonly subscribers: { subscriber: Subscriber; service: number }[] = [];
  private readonly stopped = new AbortController();
  private churning: Promise<void> = Promise.resolve();
  private republished = 0;
  private failed = 0;
  private shrunk = 0;
  private right = 0;

  constructor(private readonly seeds: string[]) {}

  async start(size: { publications: number; subscribers: number; churnPerSecond: number }): Promise<void> {
    const publishing = Array.from({ length: PUBLISHING_CLIENTS }, () => this.client());
    await forEach(size.publications, async (index) => {
      const service = index % SERVICES;
      const value = `tcp://10.0.0.1:${index}/0`;
      const publisher = await publishing[index % PUBLISHING_CLIENTS]!.publish({ dataId: name(service), data: [value] });
      this.publishers.push({ publisher, service, value });
    });
    await forEach(size.subscribers, async (index) => {
      const service = index % SERVICES;
      const subscriber = this.client().subscribe({ dataId: name(service) });
      let before = 0;
      // Nobody unpublishes here, so a list that becomes shorter has lost somebody who is live.
      subscriber.on('change', ({ publishers }) => {
        if (publishers.length < before) this.shrunk++;
        before = publishers.length;
      });
      await subscriber.ready();
      this.subscribers.push({ subscriber, service });
    });
    if (size.churnPerSecond > 0 && this.publishers.length > 0) this.churning = this.churn(size.churnPerSecond);
  }

  /** Ends the churn, and waits for every subscriber to show exactly what is published. */
  async settle(): Promise<void> {
    this.stopped.abort();
    await this.churning;
    const expected = new Map<number, string>();
    for (let service = 0; service < SERVICES; service++) {
      const values = this.publishers.filter((each) => each.service === service).map(({ value }) => value);
      expected.set(service, values.toSorted().join());
    }
    const isRight = ({ subscriber, service }: (typeof this.subscribers)[number]): boolean =>
      subscriber
        .current()
        .publishers.map((each) => each.data[0])
        .toSorted()
        .join() === expected.get(service);
    const untilMs = performance.now() + SETTLE_MS;
    do {
      this.right = this.subscribers.filter(isRight).length;
      if (this.right === this.subscribers.length) return;
      await setTimeout(200);
    } while (performance.now() < untilMs);
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.churning;
    await Promise.all(this.clients.map((client) => client.close({ drain: false })));
  }

  report(): { republished: number; failed: number; shrunk: number; right: number } {
    const { republished, failed, shrunk, right } = this;
    return { republished, failed, shrunk, right };
  }

  private client(): RegistryClient {
    const client = new RegistryClient({ seeds: this.seeds });
    this.clients.push(client);
    return client;
  }

  private async churn(perSecond: number): Promise<void> {
    const everyMs = 20;
    let owed = 0;
    const underway = new Set<Promise<void>>();
    for (let version = 1; !this.stopped.signal.aborted; version++) {
      for (owed += (perSecond * everyMs) / 1000; owed >= 1; owed--) {
        const each = this.publishers[Math.floor(Math.random() * this.publishers.length)]!;
        each.value = `${each.value.slice(0, each.value.lastIndexOf('/'))}/${version}`;
        const one = each.publisher
          .republish([each.value])
          .then(
            () => void this.republished++,
            () => void this.failed++,
          )
          .finally(() => underway.delete(one));
        underway.add(one);
      }
      await setTimeout(everyMs);
    }
    await Promise.all(underway);
  }
}

function name(service: number): string {
  return `service-${service}`;
}

async function forEach(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
