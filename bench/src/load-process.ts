import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * For a process that runs thousands of clients, each of which has a process of its own elsewhere. With the young generation of
 * one, what all of them have under way is copied at every collection, which takes a tenth of the time that is measured. And what
 * thousands hold is a heap that nobody else has: it is walked through less often (see `tuneEngine` of the servers), since the
 * threads that do it take the cores of those who are measured.
 */
export const LOAD_FLAGS: readonly string[] = ['--max-semi-space-size=64', '--heap-growing-percent=100'];

/** Runs the module again as a process with these flags, and ends with it; returns where there are these flags. */
export async function asLoadProcess(module: string): Promise<void> {
  if (LOAD_FLAGS.every((flag) => process.execArgv.includes(flag))) return;
  const args = [...process.execArgv, ...LOAD_FLAGS, fileURLToPath(module), ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exit(code ?? 1);
}
