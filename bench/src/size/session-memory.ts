import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Node } from '../cluster.js';
import type { Memory } from './memory.preload.js';

const POLL_MS = 10;

/** What makes session servers of a cluster tell what they have in memory. */
export function memoryEnv(folder: string): Record<string, string> {
  const preload = new URL('./memory.preload.js', import.meta.url).href;
  return { NODE_OPTIONS: `--import=${preload}`, BENCH_MEMORY_FILE: fileIn(folder) };
}

export async function memoryOf(session: Node, folder: string): Promise<Memory> {
  const file = fileIn(folder);
  rmSync(file, { force: true });
  process.kill(session.pid!, 'SIGUSR2');
  while (!existsSync(file)) await setTimeout(POLL_MS);
  return JSON.parse(readFileSync(file, 'utf8')) as Memory;
}

function fileIn(folder: string): string {
  return join(folder, 'memory.json');
}
