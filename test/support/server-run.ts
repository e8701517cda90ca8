import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One server process that is expected to end by itself, such as because it refuses to start, with what it printed. */
export class ServerRun {
  output = '';
  readonly ended: Promise<number | null>;

  constructor(tier: 'meta' | 'data' | 'session', env: Record<string, string>, args: string[] = []) {
    const path = fileURLToPath(new URL(`../../dist/apps/${tier}/src/main.js`, import.meta.url));
    const child = spawn(process.execPath, [path, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }
}
