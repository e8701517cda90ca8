import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Result } from './load.js';

const BENCH = new URL('../', import.meta.url);
/** Until it has stopped the servers that it has started. */
const STOP_MS = 20_000;

/** A measurement of Rollcall alone, which starts its servers itself, and what its JSON says of what is told here. */
export interface Program {
  /** From `bench/src`. */
  readonly script: string;
  readonly args: readonly string[];
  read(printed: unknown): Pick<Result, 'metrics' | 'missed' | 'operations'>;
}

export async function runProgram({ script, args, read }: Program, deadlineMs: number): Promise<Result> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, BENCH)), ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stop = (): void => void child.kill('SIGTERM');
  process.once('exit', stop);
  const timers = [setTimeout(stop, deadlineMs), setTimeout(() => child.kill('SIGKILL'), deadlineMs + STOP_MS)];
  try {
    let printed = '';
    child.stdout.on('data', (chunk) => (printed += String(chunk)));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    // It ends with a code of its own where something was wrong, and says what came of it all the same.
    if (printed === '') throw new Error(`${script} ended with ${String(signal ?? code)}`);
    return read(JSON.parse(printed));
  } finally {
    for (const timer of timers) clearTimeout(timer);
    stop();
    process.off('exit', stop);
  }
}
