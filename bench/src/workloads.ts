import { build, type Histogram } from 'hdr-histogram-js';
import type { Driver } from './driver.js';

/** Microseconds from the call of publish to the arrival at the (last) subscriber. */
export type Latencies = Histogram;

export interface Workload {
  name: string;
  subscribers: number;
  /** Bytes of each value. */
  valueBytes: number;
  changes: number;
  /** Changes before counting begins. */
  warmUp: number;
}

export const WORKLOADS: Workload[] = [
  { name: 'isolated change -> 1 subscriber', subscribers: 1, valueBytes: 100, changes: 500, warmUp: 200 },
  { name: 'one change -> last of 1,000 subscribers', subscribers: 1000, valueBytes: 320, changes: 40, warmUp: 10 },
];

/** Publishes one change after another, each when the one before has arrived everywhere. */
export async function run(driver: Driver, workload: Workload): Promise<Latencies> {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  let expected = '';
  let missing = 0;
  let arrived: () => void = () => {};
  const seen = new Array<string>(workload.subscribers).fill('');
  await driver.subscribe(workload.subscribers, (subscriber, value) => {
    if (value !== expected || seen[subscriber] === value) return;
    seen[subscriber] = value;
    if (--missing === 0) arrived();
  });
  for (let change = -workload.warmUp; change < workload.changes; change++) {
    const all = new Promise<void>((resolve) => (arrived = resolve));
    expected = `${change}:`.padEnd(workload.valueBytes, 'x');
    missing = workload.subscribers;
    const startMs = performance.now();
    const taken = driver.publish(expected);
    await deadline(all, `${driver.name}: change ${change} reached ${workload.subscribers - missing} subscribers only`);
    const us = Math.max(1, Math.round((performance.now() - startMs) * 1000));
    await taken;
    if (change >= 0) histogram.recordValue(us);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return histogram;
}

async function deadline(promise: Promise<void>, message: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), 20_000);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
