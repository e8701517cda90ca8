import { churn } from './churn.js';
import { failover } from './failover.js';
import { fanOut } from './fan-out.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { massRestart } from './mass-restart.js';
import { register } from './register.js';
import type { Meter, Outcome, Stage, StagedWorkload, Workload } from './workload.js';

const OF_CLIENTS = { register, fanOut, churn, idle, growth };
const STAGED = { massRestart, failover };

type SizesOf<Workloads> = {
  [K in keyof Workloads]: Workloads[K] extends Workload<infer Size> | StagedWorkload<infer Size> ? Size : never;
};
type JobsOf<Sizes> = { [K in keyof Sizes]: { workload: K; size: Sizes[K] } }[keyof Sizes];

type ClientsJob = JobsOf<SizesOf<typeof OF_CLIENTS>>;
type StagedJob = JobsOf<SizesOf<typeof STAGED>>;

/** A workload by its name, and how much of it. */
export type Job = ClientsJob | StagedJob;

export function runJob(job: Job, stage: Stage, meter: Meter): Promise<Outcome> {
  if (isStaged(job)) return (STAGED[job.workload] as StagedWorkload<typeof job.size>)(stage, job.size, meter);
  return (OF_CLIENTS[job.workload] as Workload<typeof job.size>)(stage.clients, job.size, meter);
}

function isStaged(job: Job): job is StagedJob {
  return job.workload in STAGED;
}
