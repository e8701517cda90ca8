import { setTimeout } from 'node:timers/promises';
import { type Publisher, RegistryClient, type Subscriber } from '#client';

const CONNECTING_AT_ONCE = 50;
const CHURN_EVERY_MS = 20;
const POLL_MS = 100;

/** A client on a connection of its own: it publishes an instance of a service, and subscribes to that service. */
export interface Inhabitant {
  readonly name: string;
  readonly service: number;
  readonly client: RegistryClient;
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  version: number;
}

type Shown = readonly { data: readonly string[] }[];

/**
 * Clients of several servers that publish, change and watch the same services. While it is on guard nobody may disappear from
 * a list, or be in it twice, since nobody leaves.
 */
export class Town {
  readonly faults: string[] = [];
  republished = 0;
  failed = 0;
  private readonly inhabitants = new Set<Inhabitant>();
  private readonly sizes: number[];
  private isOnGuard = false;
  private readonly shown: { inhabitant: Inhabitant; publishers: Shown }[] = [];
  private isOver = false;
  private churning: Promise<void> = Promise.resolve();
  private names = 0;

  constructor(private readonly services: number) {
    this.sizes = new Array<number>(services).fill(0);
  }

  /** Resolves when all are shown what is there. */
  async settle(size: number, seeds: string[]): Promise<Inhabitant[]> {
    const settled: Inhabitant[] = [];
    let left = size;
    const worker = async (): Promise<void> => {
      while (left-- > 0) settled.push(await this.add(seeds));
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, worker));
    return settled;
  }

  async leave(inhabitants: readonly Inhabitant[]): Promise<void> {
    for (const each of inhabitants) {
      this.inhabitants.delete(each);
      this.sizes[each.service]!--;
    }
    await Promise.all(inhabitants.map(({ client }) => client.close()));
  }

  /** Has some inhabitants change all the time. */
  churn(perSecond: number): void {
    this.isOver = false;
    this.churning = this.change(perSecond);
  }

  async rest(): Promise<void> {
    this.isOver = true;
    await this.churning;
  }

  /** What was shown meanwhile is looked at in the end, when that does not take from what is measured. */
  guard(isOnGuard: boolean): void {
    this.isOnGuard = isOnGuard;
    for (const { inhabitant, publishers } of this.shown.splice(0)) this.look(inhabitant, publishers);
  }

  /** Publishes another version of it, of which subscribers of its service are told. Counts what becomes of that. */
  async republish(inhabitant: Inhabitant): Promise<void> {
    try {
      await inhabitant.publisher.republish([valueOf(inhabitant.name, ++inhabitant.version)]);
      this.republished++;
    } catch {
      this.failed++;
    }
  }

  /** Those who are not shown exactly what is published, once nothing changes any more and some time has passed. */
  async wrong(withinMs: number): Promise<number> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      const expected = this.published();
      const isWrong = ({ subscriber, service }: Inhabitant): boolean =>
        textOf(subscriber.current().publishers) !== expected[service];
      const count = [...this.inhabitants].filter(isWrong).length;
      if (count === 0 || performance.now() > untilMs) return count;
      await setTimeout(POLL_MS);
    }
  }

  private async add(seeds: string[]): Promise<Inhabitant> {
    const service = this.names % this.services;
    const name = `inhabitant-${this.names++}`;
    const client = new RegistryClient({ seeds });
    const publisher = await client.publish({ dataId: `service-${service}`, data: [valueOf(name, 0)] });
    const subscriber = client.subscribe({ dataId: `service-${service}` });
    await subscriber.ready();
    const inhabitant = { name, service, client, publisher, subscriber, version: 0 };
    this.inhabitants.add(inhabitant);
    this.sizes[service]!++;
    subscriber.on('change', ({ publishers }) => {
      if (this.isOnGuard) this.shown.push({ inhabitant, publishers });
    });
    return inhabitant;
  }

  private look({ name, service }: Inhabitant, publishers: Shown): void {
    const names = new Set(publishers.map(({ data }) => nameOf(data[0]!)));
    if (names.size < publishers.length) this.faults.push(`${name} is shown somebody twice`);
    if (names.size < this.sizes[service]!) this.faults.push(`${name} is shown ${names.size} of ${this.sizes[service]}`);
  }

  private published(): string[] {
    const lists = Array.from({ length: this.services }, () => [] as { data: string[] }[]);
    for (const { name, service, version } of this.inhabitants) lists[service]!.push({ data: [valueOf(name, version)] });
    return lists.map(textOf);
  }

  private async change(perSecond: number): Promise<void> {
    const underway = new Set<Promise<void>>();
    for (let owed = 0; !this.isOver;) {
      const all = [...this.inhabitants];
      for (owed += (perSecond * CHURN_EVERY_MS) / 1000; owed >= 1 && all.length > 0; owed--) {
        const one = this.republish(all[Math.floor(Math.random() * all.length)]!).finally(() => underway.delete(one));
        underway.add(one);
      }
      await setTimeout(CHURN_EVERY_MS);
    }
    await Promise.all(underway);
  }
}

function valueOf(name: string, version: number): string {
  return `tcp://${name}:${version}`;
}

function nameOf(value: string): string {
  return value.slice(0, value.lastIndexOf(':'));
}

/** Which version of somebody a list shows; -1 when it does not. */
export function versionShown(publishers: Shown, { name }: Inhabitant): number {
  const prefix = `${nameOf(valueOf(name, 0))}:`;
  const found = publishers.find(({ data }) => data[0]!.startsWith(prefix));
  return found ? Number(found.data[0]!.slice(prefix.length)) : -1;
}

function textOf(publishers: Shown): string {
  return publishers
    .map(({ data }) => data[0])
    .toSorted()
    .join();
}
