import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A script of ours, run as a user runs it, with everything it prints. */
export class Script {
  output = '';
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;
  private readonly printed: (() => void)[] = [];

  constructor(name: string, args: string[], env: Record<string, string>, cwd?: string) {
    const path = fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));
    this.child = spawn(process.execPath, [path, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        for (const check of this.printed.splice(0)) check();
      });
    this.exited = once(this.child, 'close').then(([code]) => {
      for (const check of this.printed.splice(0)) check();
      return code as number | null;
    });
  }

  /** Resolves once it has printed this; rejects when it ends without. */
  async prints(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`It ended and never printed "${text}":\n${this.output}`);
      await new Promise<void>((resolve) => this.printed.push(resolve));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it, whatever it is doing. */
  async end(): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }
}
