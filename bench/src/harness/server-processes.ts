import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Folder, temporaryFolder } from './folders.js';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 25;
const LAST_WORDS = 5;

/** Programs that serve, and the folder in which they do. Neither outlives the process that started them. */
export class ServerProcesses {
  private readonly children = new Map<string, ChildProcess>();
  private readonly starts = new Map<string, () => ChildProcess>();

  static async in(name: string): Promise<ServerProcesses> {
    return new ServerProcesses(await temporaryFolder(name));
  }

  private constructor(private readonly home: Folder) {
    // Before the folder is removed.
    process.prependOnceListener('exit', this.killAll);
  }

  get folder(): string {
    return this.home.path;
  }

  get pids(): Record<string, number> {
    return Object.fromEntries([...this.children].map(([name, { pid }]) => [name, pid!]));
  }

  start(name: string, command: string, args: readonly string[], env: Record<string, string> = {}): void {
    this.starts.set(name, () => this.spawn(name, command, args, env));
    this.startAgain(name);
  }

  /** One that was killed, as it was started before. */
  startAgain(name: string): void {
    this.children.set(name, this.starts.get(name)!());
  }

  /** Ends one as a crash would; resolves when it is gone. */
  async kill(name: string): Promise<void> {
    const child = this.children.get(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} does not run.`);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.children.delete(name);
  }

  private spawn(name: string, command: string, args: readonly string[], env: Record<string, string>): ChildProcess {
    const log = openSync(this.logOf(name), 'a');
    // In a process group of its own, so that Ctrl-C does not reach it before it is told to stop.
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    // Who could not be started has no process id, and is found so below.
    child.on('error', () => {});
    return child;
  }

  /** Resolves when something holds of the servers; when one ends before that, all are stopped. */
  async ready(isReady: () => Promise<boolean>): Promise<void> {
    const untilMs = performance.now() + READY_TIMEOUT_MS;
    try {
      while (!(await isReady())) {
        for (const [name, { pid, exitCode, signalCode }] of this.children)
          if (pid === undefined || exitCode !== null || signalCode !== null)
            throw new Error(`${name} ended with ${signalCode ?? exitCode ?? 'no start'}: ${this.lastWords(name)}`);
        if (performance.now() > untilMs) throw new Error(`Not ready in ${READY_TIMEOUT_MS} ms: ${this.allLastWords()}`);
        await setTimeout(POLL_MS);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.children.values()].map(stopChild));
    this.children.clear();
    process.off('exit', this.killAll);
    this.home.remove();
  }

  private logOf(name: string): string {
    return join(this.folder, `${name}.log`);
  }

  private lastWords(name: string): string {
    return readFileSync(this.logOf(name), 'utf8').trim().split('\n').slice(-LAST_WORDS).join('\n');
  }

  private allLastWords(): string {
    return [...this.children.keys()].map((name) => `${name}: ${this.lastWords(name)}`).join('\n');
  }

  private readonly killAll = (): void => {
    for (const child of this.children.values()) child.kill('SIGKILL');
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  void setTimeout(STOP_TIMEOUT_MS, undefined, { signal: late.signal }).then(
    () => child.kill('SIGKILL'),
    () => {},
  );
  await ended;
  late.abort();
}
