import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMsOf, freePort, startProcess, stopProcess } from '../../processes.js';

/** Rollcall as three processes: meta, data, session. */
export class Servers {
  sessionPort = 0;
  private readonly processes: ChildProcess[] = [];
  private folder = '';

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
    const metaPort = await freePort();
    const meta = `127.0.0.1:${metaPort}`;
    await this.startTier('meta', metaPort, meta);
    await this.startTier('data', await freePort(), meta);
    this.sessionPort = await freePort();
    await this.startTier('session', this.sessionPort, meta);
  }

  get sessionCpuMs(): number {
    return cpuMsOf(this.processes.at(-1)!.pid!);
  }

  async stop(): Promise<void> {
    for (const child of this.processes.splice(0).toReversed()) await stopProcess(child);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async startTier(tier: 'meta' | 'data' | 'session', rpcPort: number, meta: string): Promise<void> {
    const name = tier.toUpperCase();
    const main = new URL(`../../../../apps/${tier}/src/main.js`, import.meta.url);
    const httpPort = await freePort();
    const env = {
      ROLLCALL_CLUSTER_META_ADDRESSES: meta,
      [`ROLLCALL_${name}_RPC_PORT`]: String(rpcPort),
      [`ROLLCALL_${name}_HTTP_PORT`]: String(httpPort),
      [`ROLLCALL_${name}_DATA_DIR`]: join(this.folder, tier),
      ROLLCALL_LOG_LEVEL: 'warn',
    };
    this.processes.push(await startProcess(main, env, () => isReady(httpPort)));
  }
}

async function isReady(httpPort: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${httpPort}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}
