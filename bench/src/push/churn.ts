import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver } from './driver.js';
import { latencies } from './histograms.js';
import { readValue, valueOf } from './values.js';
import type { Measured, Workload } from './workload.js';

const TICK_MS = 10;
const WARM_UP_MS = 3_000;
const SETTLE_MS = 30_000;
const POLL_MS = 50;

export interface Churn {
  publishers: number;
  subscribers: number;
  topics: number;
  changesPerSecond: number;
  seconds: number;
  valueBytes: number;
}

/**
 * Many publishers of which some change at any time, at an even pace whatever the system does. A change is late by the time
 * from its turn until a subscriber sees it, or something newer of the same publisher. In the end every subscriber must
 * have been told the last state of everybody it watches.
 */
export function churn(name: string, size: Churn, rest: Pick<Workload, 'throughSdk' | 'target'>): Workload {
  return { name, ...rest, run: (drivers) => runAll(drivers, size) };
}

/** One after the other: each keeps both cores busy. */
async function runAll(drivers: readonly Driver[], size: Churn): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const driver of drivers)
    try {
      await driver.start();
      all.push(await run(driver, size));
    } finally {
      await driver.stop();
    }
  return all;
}

async function run(driver: Driver, size: Churn): Promise<Measured> {
  const { publishers, subscribers, topics, valueBytes } = size;
  const topicOf = (index: number): string => `bench.topic-${index % topics}`;
  const progress = new Progress(publishers);
  const first = Array.from({ length: publishers }, (_, i) => ({ topic: topicOf(i), value: valueOf(i, 0, valueBytes) }));
  await driver.register(first);
  const seen = Array.from({ length: subscribers }, () => new Int32Array(Math.ceil(publishers / topics)));
  let arrivals = 0;
  await driver.subscribe(
    Array.from({ length: subscribers }, (_, subscriber) => topicOf(subscriber)),
    (subscriber, value) => {
      const { publisher, version } = readValue(value);
      const place = Math.floor(publisher / topics);
      const before = seen[subscriber]![place]!;
      if (version <= before) return;
      seen[subscriber]![place] = version;
      arrivals++;
      progress.arrived(publisher, before, version);
    },
  );
  await changeFor(WARM_UP_MS, driver, size, progress);
  await settle(() => missed(size, seen, progress));
  progress.change.reset();
  arrivals = 0;
  const cpuMs = driver.pushingCpuMs();
  await changeFor(size.seconds * 1000, driver, size, progress);
  const left = await settle(() => missed(size, seen, progress));
  const cpuUsPerPush = ((driver.pushingCpuMs() - cpuMs) * 1000) / arrivals;
  return { of: { change: progress.change }, cpuUsPerPush, missed: left };
}

/** When each version of each publisher had its turn, and how late it was seen. */
class Progress {
  readonly change = latencies();
  readonly latest: Int32Array;
  private readonly dueMs: number[][];

  constructor(publishers: number) {
    this.latest = new Int32Array(publishers);
    this.dueMs = Array.from({ length: publishers }, () => [0]);
  }

  next(publisher: number, dueMs: number): number {
    this.dueMs[publisher]!.push(dueMs);
    return ++this.latest[publisher]!;
  }

  arrived(publisher: number, before: number, version: number): void {
    const nowMs = performance.now();
    for (let each = before + 1; each <= version; each++)
      this.change.recordValue(Math.max(1, Math.round((nowMs - this.dueMs[publisher]![each]!) * 1000)));
  }
}

async function changeFor(
  durationMs: number,
  driver: Driver,
  { publishers, changesPerSecond, valueBytes }: Churn,
  progress: Progress,
): Promise<void> {
  const startMs = performance.now();
  const everyMs = 1000 / changesPerSecond;
  const taken = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for (let dueMs = startMs; dueMs < startMs + durationMs && failures.length === 0;) {
    for (const nowMs = performance.now(); dueMs <= nowMs; dueMs += everyMs) {
      const publisher = Math.floor(Math.random() * publishers);
      const one = driver
        .publish(publisher, valueOf(publisher, progress.next(publisher, dueMs), valueBytes))
        .catch((error: unknown) => void failures.push(error))
        .finally(() => taken.delete(one));
      taken.add(one);
    }
    await sleep(TICK_MS);
  }
  await Promise.all(taken);
  if (failures.length > 0) throw failures[0];
}

/** Pairs of subscriber and publisher of which the former has not seen the last state. */
function missed({ publishers, topics }: Churn, seen: readonly Int32Array[], { latest }: Progress): number {
  let count = 0;
  for (const [subscriber, versions] of seen.entries())
    for (let publisher = subscriber % topics, place = 0; publisher < publishers; publisher += topics, place++)
      if (versions[place]! < latest[publisher]!) count++;
  return count;
}

async function settle(left: () => number): Promise<number> {
  const untilMs = performance.now() + SETTLE_MS;
  while (left() > 0 && performance.now() < untilMs) await sleep(POLL_MS);
  return left();
}
