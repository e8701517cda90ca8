import { spread } from '../systems/spread.js';
import type { Clients } from '../systems/system.js';
import { Audience } from './audience.js';
import { valueOf } from './values.js';
import type { Meter, Outcome } from './workload.js';

const REGISTERING_AT_ONCE = 256;

export interface Growth {
  /** So many publishers are there while it is measured, one number after the other. */
  publishers: number[];
  /** Publishers of a topic: there are more topics, not larger ones. */
  perTopic: number;
  connections: number;
  changes: number;
  /** Changes before counting begins, each time. */
  warmUp: number;
  valueBytes: number;
}

/** What one change to one subscriber takes among ever more publishers, and what memory those take. */
export async function growth(clients: Clients, size: Growth, meter: Meter): Promise<Outcome> {
  const { publishers, perTopic, valueBytes } = size;
  const topicOf = (publisher: number): string => `bench-${Math.floor(publisher / perTopic)}`;
  await clients.open(size.connections);
  const audience = new Audience(clients, { subscribers: 1, valueBytes }, topicOf(0));
  await audience.gather();
  await audience.tell(size.warmUp, false);
  const beforeBytes = meter.residentBytes();
  const metrics: Record<string, number> = {};
  const p50s: number[] = [];
  let there = 1;
  for (const count of publishers) {
    const from = there;
    await spread(count - from, REGISTERING_AT_ONCE, (i) =>
      clients.register(from + i, topicOf(from + i), valueOf(from + i, 0, valueBytes)),
    );
    there = count;
    await audience.tell(size.warmUp, false);
    meter.begin();
    await audience.tell(size.changes, true);
    meter.end();
    const taken = audience.takeMetrics();
    p50s.push(taken['change p50']!);
    for (const percentile of ['p50', 'p99']) metrics[`${percentile} at ${count}`] = taken[`change ${percentile}`]!;
  }
  metrics['memory'] = (meter.residentBytes() - beforeBytes) / there;
  metrics['growth'] = p50s.at(-1)! / p50s[0]!;
  return { metrics, operations: publishers.length * size.changes, missed: 0 };
}
