import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One server process that a test starts to see what becomes of it, with what it printed. */
export class ServerRun {
  output = '';
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;
  private readonly printed: (() => void)[] = [];

  constructor(tier: 'meta' | 'data' | 'session', env: Record<string, string>, args: string[] = []) {
    const path = fileURLToPath(new URL(`../../dist/apps/${tier}/src/main.js`, import.meta.url));
    this.child = spawn(process.execPath, [path, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const wake = (): void => this.printed.splice(0).forEach((each) => each());
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        wake();
      });
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code) => {
        resolve(code);
        wake();
      }),
    );
  }

  /** Resolves with the fields of the first line that logs this event as JSON; rejects when it ends without. */
  async logs(event: string): Promise<Record<string, unknown>> {
    for (;;) {
      const line = this.output.split('\n').find((each) => each.includes(`"event":"${event}"`));
      if (line?.endsWith('}')) return JSON.parse(line) as Record<string, unknown>;
      if (this.child.exitCode !== null) throw new Error(`It ended and never logged ${event}:\n${this.output}`);
      await new Promise<void>((resolve) => this.printed.push(resolve));
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
