import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver } from './driver.js';
import { latencies, usSince } from './histograms.js';
import { valueOf } from './values.js';
import type { Measured, Workload } from './workload.js';

const TOPIC = 'bench.topic';
const DEADLINE_MS = 20_000;
/** So that a change finds everybody at rest, for any system: what a system does after a push takes longer the more there are. */
const PAUSE_MS = 2;
const PAUSE_MS_PER_SUBSCRIBER = 0.04;
/** What follows a change, such as acknowledgements, is over when another system has its turn. */
const REST_MS = 50;
/** More clients than a process may have open files, in many places: then the systems are measured one after the other. */
const SOCKETS_AT_ONCE = 15_000;

export interface FanOut {
  subscribers: number;
  valueBytes: number;
  changes: number;
  /** Changes before counting begins. */
  warmUp: number;
  /** So many changes of one system are followed by as many of the next, so that whatever else the machine does hits all. */
  turn: number;
}

/** One change after another, each when the one before has arrived everywhere. */
export function fanOut(name: string, size: FanOut, rest: Pick<Workload, 'throughSdk' | 'target'>): Workload {
  return { name, ...rest, run: (drivers) => run(drivers, size) };
}

async function run(drivers: readonly Driver[], size: FanOut): Promise<Measured[]> {
  if (drivers.length > 1 && drivers.length * size.subscribers > SOCKETS_AT_ONCE) {
    const measured: Measured[] = [];
    for (const driver of drivers) measured.push(...(await run([driver], size)));
    return measured;
  }
  const audiences = drivers.map((driver) => new Audience(driver, size));
  try {
    for (const audience of audiences) await audience.gather();
    for (let done = 0; done < size.warmUp + size.changes; done += size.turn)
      for (const audience of audiences) await audience.tell(size.turn, done >= size.warmUp);
    return audiences.map((audience) => audience.measured());
  } finally {
    for (const driver of drivers) await driver.stop();
  }
}

/** The subscribers of one system, and how long changes take to reach them. */
class Audience {
  private readonly last = latencies();
  private readonly first = latencies();
  private readonly each = latencies();
  private cpuMs = 0;
  private version = 0;
  private expected = '';
  private startMs = 0;
  private missing = 0;
  private isCounting = false;
  private arrived: () => void = () => {};
  private readonly seen: string[];

  constructor(
    private readonly driver: Driver,
    private readonly size: FanOut,
  ) {
    this.seen = new Array<string>(size.subscribers).fill('');
  }

  async gather(): Promise<void> {
    const { driver, size } = this;
    await driver.start();
    await driver.register([{ topic: TOPIC, value: valueOf(0, 0, size.valueBytes) }]);
    const topics = new Array<string>(size.subscribers).fill(TOPIC);
    await driver.subscribe(topics, (subscriber, value) => this.take(subscriber, value));
  }

  async tell(changes: number, isCounting: boolean): Promise<void> {
    const { driver, size } = this;
    this.isCounting = isCounting;
    const cpuMs = driver.pushingCpuMs();
    for (let change = 0; change < changes; change++) {
      const all = new Promise<void>((resolve) => (this.arrived = resolve));
      this.expected = valueOf(0, ++this.version, size.valueBytes);
      this.missing = size.subscribers;
      this.startMs = performance.now();
      const taken = driver.publish(0, this.expected);
      await deadline(all, () => `${driver.name}: version ${this.version} has not reached ${this.missing} subscribers.`);
      await taken;
      await sleep(PAUSE_MS + size.subscribers * PAUSE_MS_PER_SUBSCRIBER);
    }
    await sleep(REST_MS);
    if (isCounting) this.cpuMs += driver.pushingCpuMs() - cpuMs;
  }

  measured(): Measured {
    const { last, first, each } = this;
    const cpuUsPerPush = (this.cpuMs * 1000) / each.totalCount;
    return { of: this.size.subscribers === 1 ? { change: last } : { last, first, each }, cpuUsPerPush, missed: 0 };
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
