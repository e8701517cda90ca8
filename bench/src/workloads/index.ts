import type { Clients } from '../systems/system.js';
import { churn } from './churn.js';
import { fanOut } from './fan-out.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { register } from './register.js';
import type { Meter, Outcome, Workload } from './workload.js';

const WORKLOADS = { register, fanOut, churn, idle, growth };

type Sizes = { [K in keyof typeof WORKLOADS]: (typeof WORKLOADS)[K] extends Workload<infer Size> ? Size : never };

/** A workload by its name, and how much of it. */
export type Job = { [K in keyof Sizes]: { workload: K; size: Sizes[K] } }[keyof Sizes];

export function runJob({ workload, size }: Job, clients: Clients, meter: Meter): Promise<Outcome> {
  return (WORKLOADS[workload] as Workload<typeof size>)(clients, size, meter);
}
