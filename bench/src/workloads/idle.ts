import { setTimeout as sleep } from 'node:timers/promises';
import { spread } from '../systems/spread.js';
import type { Clients } from '../systems/system.js';
import { valueOf } from './values.js';
import type { Meter, Outcome } from './workload.js';

const CONNECTING_AT_ONCE = 50;

export interface Idle {
  /** With one subscription each. */
  connections: number;
  /** Before these, so that what servers take for the first ones is not counted. */
  first: number;
  topics: number;
  seconds: number;
  /** Until what was needed to connect is let go of. */
  settleSeconds: number;
  valueBytes: number;
}

/** Subscribers that wait, while nothing changes: what they cost. */
export async function idle(clients: Clients, size: Idle, meter: Meter): Promise<Outcome> {
  const { connections, first, topics, seconds, settleSeconds, valueBytes } = size;
  const topicOf = (index: number): string => `bench-${index % topics}`;
  const subscribe = (index: number): Promise<void> => clients.subscribe(topicOf(index), () => {});
  await clients.open(1);
  await spread(topics, topics, (topic) => clients.register(topic, topicOf(topic), valueOf(topic, 0, valueBytes)));
  await spread(first, CONNECTING_AT_ONCE, subscribe);
  await sleep(settleSeconds * 1000);
  const before = meter.residentBytes();
  await spread(connections, CONNECTING_AT_ONCE, subscribe);
  await sleep(settleSeconds * 1000);
  const grownBytes = meter.residentBytes() - before;
  meter.begin();
  await sleep(seconds * 1000);
  meter.end();
  return { metrics: { each: grownBytes / 1024 / connections }, operations: connections * seconds, missed: 0 };
}
