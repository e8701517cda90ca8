import { setTimeout as sleep } from 'node:timers/promises';
import { flat, latencies, usSince } from '../harness/histograms.js';
import { spread } from '../systems/spread.js';
import type { Clients } from '../systems/system.js';
import { valueOf } from './values.js';

const DEADLINE_MS = 20_000;
const CONNECTING_AT_ONCE = 50;
/** So that a change finds everybody at rest, for any system: what a system does after a push takes longer the more there are. */
const PAUSE_MS = 2;
const PAUSE_MS_PER_SUBSCRIBER = 0.04;

export interface AudienceSize {
  subscribers: number;
  valueBytes: number;
}

/** A publisher, number 0, its subscribers, and how long its changes take to reach them. */
export class Audience {
  private readonly last = latencies();
  private readonly first = latencies();
  private readonly each = latencies();
  private version = 0;
  private expected = '';
  private startMs = 0;
  private missing = 0;
  private isCounting = false;
  private arrived: () => void = () => {};
  private readonly seen: string[];

  constructor(
    private readonly clients: Clients,
    private readonly size: AudienceSize,
    private readonly topic: string,
  ) {
    this.seen = new Array<string>(size.subscribers).fill('');
  }

  async gather(): Promise<void> {
    const { clients, size, topic } = this;
    await clients.register(0, topic, valueOf(0, 0, size.valueBytes));
    await spread(size.subscribers, CONNECTING_AT_ONCE, (subscriber) =>
      clients.subscribe(topic, (value) => this.take(subscriber, value)),
    );
  }

  /** Changes that do not count, as many as there are time for: each at once when the one before has arrived everywhere. */
  async warmUp(seconds: number): Promise<void> {
    this.isCounting = false;
    const untilMs = performance.now() + seconds * 1000;
    do await this.change();
    while (performance.now() < untilMs);
    await this.pause();
  }

  /** One change after another, each when the one before has arrived everywhere, and all are at rest. */
  async tell(changes: number, isCounting: boolean): Promise<void> {
    this.isCounting = isCounting;
    for (let change = 0; change < changes; change++) {
      await this.change();
      await this.pause();
    }
  }

  /** How many changes have arrived at some subscriber while they were counted. */
  get arrivals(): number {
    return this.each.totalCount;
  }

  /** Of the changes counted since the last time. */
  takeMetrics(): Record<string, number> {
    const { last, first, each } = this;
    const metrics = this.size.subscribers === 1 ? flat({ change: last }) : flat({ last, first, each });
    for (const histogram of [last, first, each]) histogram.reset();
    return metrics;
  }

  private async change(): Promise<void> {
    const { clients, size } = this;
    const all = new Promise<void>((resolve) => (this.arrived = resolve));
    this.expected = valueOf(0, ++this.version, size.valueBytes);
    this.missing = size.subscribers;
    this.startMs = performance.now();
    const taken = clients.publish(0, this.expected);
    await deadline(all, () => `Change ${this.version} has not reached ${this.missing} subscribers.`);
    await taken;
  }

  private pause(): Promise<void> {
    return sleep(PAUSE_MS + this.size.subscribers * PAUSE_MS_PER_SUBSCRIBER);
  }

  private take(subscriber: number, value: string): void {
    if (value !== this.expected || this.seen[subscriber] === value) return;
    this.seen[subscriber] = value;
    const us = usSince(this.startMs);
    const isLast = --this.missing === 0;
    if (this.isCounting) {
      this.each.recordValue(us);
      if (this.missing === this.size.subscribers - 1) this.first.recordValue(us);
      if (isLast) this.last.recordValue(us);
    }
    if (isLast) this.arrived();
  }
}

async function deadline(promise: Promise<void>, message: () => string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), DEADLINE_MS);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
