import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Hosts } from './hosts.js';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const PORTS = { meta: [9610, 9615], data: [9620, 9622], session: [9600, 9603] } as const;
const POLL_MS = 50;
/** Hosts reach each other, so servers on them do not start without. */
const ADMIN_TOKEN = 'token-of-the-network-tests';
/** Far beyond what it may take; a test that waits longer would say nothing of what is missing. */
const SHOW_WITHIN_MS = 60_000;

export type Tier = keyof typeof PORTS;

export interface Views {
  views: Record<string, string[]>;
  missed: string[];
}

/** The processes of a test, each on a host of its own. They end with the hosts. */
export class Machines {
  constructor(
    private readonly hosts: Hosts,
    private readonly folder: string,
    private readonly env: Record<string, string>,
  ) {}

  rpcAddress(tier: Tier, host: string): string {
    return `${this.hosts.addressOf(host)}:${PORTS[tier][0]}`;
  }

  url(tier: Tier, host: string, path: string): string {
    return `http://${this.hosts.addressOf(host)}:${PORTS[tier][1]}${path}`;
  }

  server(tier: Tier, host: string): void {
    const name = `ROLLCALL_${tier.toUpperCase()}`;
    const log = openSync(join(this.folder, `${host}.log`), 'a');
    this.run(host, [join(DIST, `apps/${tier}/src/main.js`)], ['ignore', log, log], {
      ROLLCALL_ADMIN_TOKEN: ADMIN_TOKEN,
      ...this.env,
      [`${name}_HOST`]: this.hosts.addressOf(host),
      [`${name}_DATA_DIR`]: join(this.folder, host),
    });
    closeSync(log);
  }

  client(host: string, sessions: readonly string[]): Clients {
    const seeds = sessions.map((session) => this.rpcAddress('session', session));
    return new Clients(
      this.run(host, [join(DIST, 'test/network/client.main.js'), ...seeds], ['ignore', 'inherit', 'inherit', 'ipc']),
    );
  }

  private run(
    host: string,
    args: string[],
    stdio: ('ignore' | 'inherit' | 'ipc' | number)[],
    env: Record<string, string> = {},
  ): ChildProcess {
    const inside = ['netns', 'exec', this.hosts.namespace(host), process.execPath, ...args];
    return spawn('ip', inside, { env: { ...process.env, ...env }, stdio });
  }
}

/** The clients on one host, in the hands of the test. */
export class Clients {
  private readonly waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  private lastId = 0;

  constructor(private readonly child: ChildProcess) {
    child.on('message', ({ id, answer, error }: { id: number; answer: unknown; error?: string }) => {
      const one = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) one?.resolve(answer as never);
      else one?.reject(new Error(error));
    });
    child.once('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('The clients have ended.'));
      this.waiting.clear();
    });
  }

  publish(dataId: string, value: string): Promise<void> {
    return this.ask({ ask: 'publish', dataId, value });
  }

  watch(dataId: string): Promise<void> {
    return this.ask({ ask: 'watch', dataId });
  }

  views(): Promise<Views> {
    return this.ask({ ask: 'views' });
  }

  /** From now on these must not disappear from any list that has them. */
  keep(values: Iterable<string>): Promise<void> {
    return this.ask({ ask: 'keep', values: [...values] });
  }

  /** The RPC address of the session server that they are connected to. */
  session(): Promise<string> {
    return this.ask({ ask: 'session' });
  }

  get(url: string): Promise<never> {
    return this.ask({ ask: 'get', url });
  }

  /** Resolves once what is at the URL is as wanted. */
  async until<Answer>(url: string, isWanted: (answer: Answer) => boolean): Promise<Answer> {
    for (;;) {
      const answer = await (this.get(url) as Promise<Answer>).catch(() => undefined);
      if (answer !== undefined && isWanted(answer)) return answer;
      await setTimeout(POLL_MS);
    }
  }

  /** Resolves once every watched name shows exactly what is expected of it. */
  async show(expected: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    const deadlineMs = performance.now() + SHOW_WITHIN_MS;
    for (;;) {
      const { views } = await this.views();
      const wrong = [...expected].filter(([name, values]) => views[name]?.join() !== [...values].toSorted().join());
      if (wrong.length === 0) return;
      if (performance.now() > deadlineMs)
        throw new Error(
          `${wrong.map(([name, values]) => `${name} shows ${views[name]?.join()}, not ${[...values].join()}`).join('; ')}`,
        );
      await setTimeout(POLL_MS);
    }
  }

  private ask<Answer>(request: object): Promise<Answer> {
    const id = ++this.lastId;
    return new Promise<Answer>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, ...request });
    });
  }
}
