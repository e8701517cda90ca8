import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { System, Servers } from '../systems/system.js';
import type { Job } from '../workloads/index.js';
import type { Outcome } from '../workloads/workload.js';

/** To the process that makes the load. */
export interface Assignment {
  system: string;
  addresses: readonly string[];
  pids: Readonly<Record<string, number>>;
  job: Job;
}

/** Cores in use while it was measured, of all servers together, of each, and of the process that makes the load. */
export interface Cores {
  servers: number;
  byServer: Record<string, number>;
  load: number;
}

export interface Result extends Outcome {
  cores: Cores;
  /** Processor time of all servers for each operation, in microseconds. */
  serversUs: number;
}

export type Answer = { result: Result } | { failed: string };

const DEADLINE_MS = 300_000;

/** Has a process of its own make the load: what its clients cost is not taken from who looks after the servers. */
export async function makeLoad(system: System, { addresses, pids }: Servers, job: Job): Promise<Result> {
  const child = fork(new URL('./load.main.js', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const timer = setTimeout(kill, DEADLINE_MS);
  try {
    const ended = once(child, 'exit').then(([code, signal]): Answer => ({
      failed: `the load ended with ${String(signal ?? code)}`,
    }));
    const answered = once(child, 'message').then(([answer]) => answer as Answer);
    const assignment: Assignment = { system: system.name, addresses, pids, job };
    child.send(assignment);
    const answer = await Promise.race([answered, ended]);
    if ('failed' in answer) throw new Error(answer.failed);
    return answer.result;
  } finally {
    clearTimeout(timer);
    kill();
    process.off('exit', kill);
  }
}
