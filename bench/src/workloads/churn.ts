import { setTimeout as sleep } from 'node:timers/promises';
import { flat, latencies } from '../harness/histograms.js';
import { spread } from '../systems/spread.js';
import type { Clients } from '../systems/system.js';
import { readValue, valueOf } from './values.js';
import type { Meter, Outcome } from './workload.js';

const REGISTERING_AT_ONCE = 256;
const CONNECTING_AT_ONCE = 50;
const TICK_MS = 10;
const SETTLE_MS = 30_000;
const POLL_MS = 50;

export interface Churn {
  publishers: number;
  subscribers: number;
  topics: number;
  changesPerSecond: number;
  seconds: number;
  warmUpSeconds: number;
  connections: number;
  valueBytes: number;
}

/**
 * Many publishers of which some change at any time, at an even pace whatever the system does. A change is late by the time
 * from its turn until a subscriber sees it, or something newer of the same publisher. In the end every subscriber must
 * have been told the last state of everybody it watches.
 */
export async function churn(clients: Clients, size: Churn, meter: Meter): Promise<Outcome> {
  const { publishers, subscribers, topics, valueBytes } = size;
  const topicOf = (index: number): string => `bench-${index % topics}`;
  await clients.open(size.connections);
  await spread(publishers, REGISTERING_AT_ONCE, (publisher) =>
    clients.register(publisher, topicOf(publisher), valueOf(publisher, 0, valueBytes)),
  );
  const progress = new Progress(publishers);
  const seen = Array.from({ length: subscribers }, () => new Int32Array(Math.ceil(publishers / topics)));
  let arrivals = 0;
  await spread(subscribers, CONNECTING_AT_ONCE, (subscriber) =>
    clients.subscribe(topicOf(subscriber), (value) => {
      const { publisher, version } = readValue(value);
      const place = Math.floor(publisher / topics);
      const before = seen[subscriber]![place]!;
      if (version <= before) return;
      seen[subscriber]![place] = version;
      arrivals++;
      progress.arrived(publisher, before, version);
    }),
  );
  await changeFor(size.warmUpSeconds, clients, size, progress);
  await settle(() => missed(size, seen, progress));
  progress.change.reset();
  arrivals = 0;
  meter.begin();
  await changeFor(size.seconds, clients, size, progress);
  meter.end();
  const left = await settle(() => missed(size, seen, progress));
  return { metrics: flat({ change: progress.change }), operations: arrivals, missed: left };
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
  seconds: number,
  clients: Clients,
  { publishers, changesPerSecond, valueBytes }: Churn,
  progress: Progress,
): Promise<void> {
  const startMs = performance.now();
  const everyMs = 1000 / changesPerSecond;
  const taken = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for (let dueMs = startMs; dueMs < startMs + seconds * 1000 && failures.length === 0;) {
    for (const nowMs = performance.now(); dueMs <= nowMs; dueMs += everyMs) {
      const publisher = Math.floor(Math.random() * publishers);
      const one = clients
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
