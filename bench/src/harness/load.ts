import { fork } from 'node:child_process';
import { once } from 'node:events';
import { LOAD_FLAGS } from '../load-process.js';
import type { System, Servers } from '../systems/system.js';
import type { Job } from '../workloads/index.js';
import type { Outcome } from '../workloads/workload.js';
import { type Kind, serveControl } from './control.js';

/** To the process that makes the load. */
export interface Assignment {
  type: 'assignment';
  system: string;
  addresses: readonly string[];
  pids: Readonly<Record<string, number>>;
  /** Which of the servers it may ask to be killed. */
  kinds: readonly Kind[];
  job: Job;
}

/** Cores in use while it was measured, of all servers together, of each, and of the process that makes the load. */
export interface Cores {
  servers: number;
  byServer: Record<string, number>;
  load: number;
}

export interface Result extends Outcome {
  /** Unless a program of its own has measured it. */
  cores?: Cores;
  /** Processor time of all servers for each operation, in microseconds. */
  serversUs?: number;
}

/** What it came to, as the last message. */
export type Answer = { type: 'answer' } & ({ result: Result } | { failed: string });

export const DEADLINE_MS = 300_000;

/** Has a process of its own make the load: what its clients cost is not taken from who looks after the servers. */
export async function makeLoad(
  system: System,
  { addresses, pids, control }: Servers,
  job: Job,
  deadlineMs = DEADLINE_MS,
): Promise<Result> {
  const child = fork(new URL('./load.main.js', import.meta.url), {
    execArgv: [...LOAD_FLAGS],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, deadlineMs);
  try {
    const ended = once(child, 'exit').then(([code, signal]): Answer => ({
      type: 'answer',
      failed: isLate ? `not done within ${deadlineMs / 1000} s` : `the load ended with ${String(signal ?? code)}`,
    }));
    const answered = new Promise<Answer>((resolve) =>
      child.on('message', (message: Answer | { type: 'kill' | 'restart' }) => {
        if (message.type === 'answer') resolve(message);
      }),
    );
    serveControl(child, control);
    const kinds = control?.kinds ?? [];
    const assignment: Assignment = { type: 'assignment', system: system.name, addresses, pids, kinds, job };
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
