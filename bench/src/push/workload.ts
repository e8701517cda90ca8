import type { Histogram } from 'hdr-histogram-js';
import type { Driver } from './driver.js';

/** What one round of one system came to. */
export interface Measured {
  /** Latencies by what they are of. The first of them is what systems are compared by. */
  of: Record<string, Histogram>;
  /** Processor time of the pushing server for each arrival, in microseconds. */
  cpuUsPerPush: number;
  /** Changes that a subscriber never saw, nor anything newer in their place. */
  missed: number;
}

export interface Workload {
  name: string;
  /** Whether it is worth measuring through the SDK too, whose clients all run in the harness. */
  throughSdk: boolean;
  /** What is to hold of the ratio to the floor, or of the milliseconds. */
  target: { percentile: 'p50' | 'p99'; most: number; of: 'ratio' | 'ms' };
  /** One round of each system, none of which has been started. */
  run(drivers: readonly Driver[]): Promise<Measured[]>;
}
