import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { http } from './http.js';

/** Longer than anything takes that the services wait for, on a machine that is busy, too. */
const PATIENCE_MS = 60_000;

export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`It is not so that ${what}, for ${PATIENCE_MS} ms.`);
    await setTimeout(20);
  }
}

/** One process of examples/kitex-easy-note, with what it prints. */
export class EasyNote {
  private output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  constructor(
    binary: string,
    private readonly name: 'user' | 'note' | 'api',
    flags: Record<string, string>,
  ) {
    const listens = { listen: '127.0.0.1:0', ...flags };
    const args = Object.entries(listens).map(([flag, value]) => `-${flag}=${value}`);
    this.child = spawn(binary, [name, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Where it listens: known once it is registered, and of the api as soon as it listens. */
  get address(): string | undefined {
    return /(?:is registered at |listens on http:\/\/)(\S+)\n/.exec(this.output)?.[1];
  }

  /** The times at which the registry has answered renewals of its lease, in milliseconds since 1970. */
  get renewals(): number[] {
    return Array.from(this.output.matchAll(/^renewed at (\d+)$/gm), ([, atMs]) => Number(atMs));
  }

  /** How often it has connected to a session server, by the address for clients of etcd. */
  connectionsTo(address: string): number {
    return this.output.split('\n').filter((line) => line === `connected to ${address}`).length;
  }

  /** Resolves with where it listens; rejects when it ends before. */
  async isUp(): Promise<string> {
    await until(`${this.name} is up`, () => {
      if (this.child.exitCode !== null) throw new Error(`${this.name} has ended:\n${this.output}`);
      return this.address !== undefined;
    });
    return this.address!;
  }

  /** Resolves with its exit code when it is gone. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }
}

export interface Failure {
  atMs: number;
  why: string;
}

/** The instances by which a call was answered: `checkedBy` is the user's that the note's has asked. */
interface Answered {
  servedBy: string;
  checkedBy?: string;
}

/** Callers that ask the api all the time, half of them for a user, and half to make a note. */
export class Callers {
  readonly failures: Failure[] = [];
  /** How often each instance has answered, by its address. */
  private readonly answers = new Map<string, number>();
  private isCalling = true;
  private readonly done: Promise<unknown>;

  constructor(
    private readonly api: string,
    private readonly userId: string,
    count = 4,
  ) {
    this.done = Promise.all(Array.from({ length: count }, (_, index) => this.call(index % 2 === 0)));
  }

  /** Resolves once this instance has answered so many more calls. */
  async answeredBy(address: string, more = 10): Promise<void> {
    const before = this.answers.get(address) ?? 0;
    await until(`${address} answers`, () => (this.answers.get(address) ?? 0) >= before + more);
  }

  async end(): Promise<void> {
    this.isCalling = false;
    await this.done;
  }

  private async call(isForNotes: boolean): Promise<void> {
    while (this.isCalling) {
      try {
        const { status, body } = await (isForNotes
          ? http('POST', `http://${this.api}/notes`, { userId: this.userId, text: 'again' })
          : http('GET', `http://${this.api}/users/${this.userId}`));
        if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
        const { servedBy, checkedBy } = body as Answered;
        for (const by of [servedBy, checkedBy]) if (by) this.answers.set(by, (this.answers.get(by) ?? 0) + 1);
      } catch (error) {
        this.failures.push({ atMs: Date.now(), why: String(error) });
      }
      await setTimeout(20);
    }
  }
}
