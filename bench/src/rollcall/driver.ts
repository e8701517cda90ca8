import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Publisher, RegistryClient } from '#client';
import type { Driver } from '../driver.js';
import { freePort, startProcess, stopProcess } from '../processes.js';

const TOPIC = 'bench.topic';
const CONNECTING_AT_ONCE = 50;

/** Rollcall as three processes (meta, data, session), used through its SDK. */
export class RollcallDriver implements Driver {
  readonly name = 'rollcall';
  private readonly processes: ChildProcess[] = [];
  private readonly clients: RegistryClient[] = [];
  private publisher: Publisher | undefined;
  private folder = '';
  private seed = '';

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
    const metaPort = await freePort();
    const meta = `127.0.0.1:${metaPort}`;
    await this.startTier('meta', metaPort, meta);
    await this.startTier('data', await freePort(), meta);
    const sessionPort = await freePort();
    await this.startTier('session', sessionPort, meta);
    this.seed = `127.0.0.1:${sessionPort}`;
    this.publisher = await this.client().publish({ dataId: TOPIC, data: ['first'] });
  }

  async subscribe(count: number, onValue: (subscriber: number, value: string) => void): Promise<void> {
    for (let start = 0; start < count; start += CONNECTING_AT_ONCE) {
      const batch: Promise<unknown>[] = [];
      for (let subscriber = start; subscriber < Math.min(count, start + CONNECTING_AT_ONCE); subscriber++) {
        const subscription = this.client().subscribe({ dataId: TOPIC }, ({ publishers }) => {
          for (const { data } of publishers) for (const value of data) onValue(subscriber, value);
        });
        batch.push(subscription.ready());
      }
      await Promise.all(batch);
    }
  }

  async publish(value: string): Promise<void> {
    await this.publisher!.republish([value]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close({ drain: false })));
    for (const child of this.processes.splice(0).toReversed()) await stopProcess(child);
    await rm(this.folder, { recursive: true, force: true });
  }

  private client(): RegistryClient {
    const client = new RegistryClient({ seeds: [this.seed] });
    this.clients.push(client);
    return client;
  }

  private async startTier(tier: 'meta' | 'data' | 'session', rpcPort: number, meta: string): Promise<void> {
    const name = tier.toUpperCase();
    const main = new URL(`../../../apps/${tier}/src/main.js`, import.meta.url);
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
