import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portsFrom } from '../../scripts/lib/cluster.mjs';

/** Both programs, of which the command is in etcd-client and the server in etcd-server. */
export const etcdIsInstalled = ['etcdctl', 'etcd'].every(
  (program) =>
    spawnSync(program, [program === 'etcdctl' ? 'version' : '--version'], { env: environment() }).status === 0,
);

/** What one run of etcdctl printed, and how it ended. */
export interface Printed {
  stdout: string;
  /** To the people in front of it, without the log of its client. */
  said: string[];
  code: number | null;
}

/** Longer than any command waits for its answer. */
const RUN_MS = 15_000;

/** The command of etcd, at one server. */
export class Etcdctl {
  constructor(readonly endpoint: string) {}

  run(args: readonly string[], stdin = ''): Promise<Printed> {
    const { child, output } = this.spawn(args);
    // It may have ended by then, having no use for what it is given.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(stdin);
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
    return new Promise((resolve) =>
      child.once('close', (code) => {
        clearTimeout(timer);
        const said = output.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{"level"'));
        resolve({ stdout: output.stdout, said, code });
      }),
    );
  }

  /** What it has printed when that is so many lines. It is ended then, as it would go on for ever. */
  async lines(count: number, args: readonly string[]): Promise<Printed> {
    const { child, output } = this.spawn(args);
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
    const closed = new Promise((resolve) => child.once('close', resolve)).finally(() => clearTimeout(timer));
    const isWhole = (): boolean => output.stdout.split('\n').length > count;
    await new Promise<void>((resolve) => {
      child.stdout!.on('data', () => isWhole() && resolve());
      void closed.then(() => resolve());
    });
    child.kill('SIGKILL');
    await closed;
    return { stdout: output.stdout, said: isWhole() ? [] : [output.stderr], code: 0 };
  }

  private spawn(args: readonly string[]): { child: ChildProcess; output: { stdout: string; stderr: string } } {
    const child = spawn('etcdctl', [`--endpoints=${this.endpoint}`, ...args], { env: environment() });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    return { child, output };
  }
}

/** A server of etcd's own on free ports of loopback. */
export class RealEtcd {
  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<RealEtcd> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-etcd-'));
    const next = portsFrom(0);
    const [client, peer] = [`http://127.0.0.1:${await next()}`, `http://127.0.0.1:${await next()}`];
    const child = spawn(
      'etcd',
      [
        ...['--name', 'one', '--data-dir', folder, '--logger', 'zap', '--log-level', 'error'],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `one=${peer}`],
      ],
      { stdio: 'ignore' },
    );
    const etcd = new RealEtcd(client.slice('http://'.length), child, folder);
    while (!(await isHealthy(client)))
      if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}.`);
    return etcd;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    if (this.child.kill('SIGKILL')) await closed;
    await rm(this.folder, { recursive: true, force: true });
  }
}

function isHealthy(client: string): Promise<boolean> {
  return fetch(`${client}/health`).then(
    async (response) => ((await response.json()) as { health: string }).health === 'true',
    () => false,
  );
}

function environment(): NodeJS.ProcessEnv {
  // Of 3.4 and before, the command speaks version 2 unless it is told otherwise.
  return { ...process.env, ETCDCTL_API: '3' };
}
