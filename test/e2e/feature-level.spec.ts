import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type RunningTier, describeFailure, loadConfig } from '#nest';
import { startData } from '../../apps/data/src/data.app.js';
import { startMeta } from '../../apps/meta/src/meta.app.js';
import { startSession } from '../../apps/session/src/session.app.js';
import { portsFrom } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';

type Tier = 'meta' | 'data' | 'session';

/** A server that is started again and again in this process, as one version or another. */
class Server {
  readonly failures: unknown[] = [];
  private running: RunningTier | undefined;

  constructor(
    readonly tier: Tier,
    private readonly env: Record<string, string>,
    readonly http: string,
  ) {}

  async start(featureLevel: number): Promise<void> {
    const fail = (error: unknown): void => void this.failures.push(error);
    const sources = { env: this.env, argv: [] };
    if (this.tier === 'meta') this.running = await startMeta(loadConfig('meta', sources), fail, featureLevel);
    else if (this.tier === 'data') this.running = await startData(loadConfig('data', sources), fail, featureLevel);
    else this.running = await startSession(loadConfig('session', sources), fail, featureLevel);
  }

  ready(): Promise<void> {
    return this.running!.ready();
  }

  async close(): Promise<void> {
    await this.running?.close();
    this.running = undefined;
  }
}

/** Real sockets and disks, in one process: a cluster whose servers are replaced by those of the next version. */
describe('an upgrade', () => {
  let folder: string;
  const servers: Server[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-upgrade-'));
    const freePort = portsFrom(0);
    const tiers: Tier[] = ['meta', 'meta', 'meta', 'data', 'session'];
    const ports = await Promise.all(tiers.map(async () => ({ rpc: 0, http: 0 })));
    for (const port of ports) Object.assign(port, { rpc: await freePort(), http: await freePort() });
    const metas = ports.slice(0, 3).map(({ rpc }) => `127.0.0.1:${rpc}`);
    for (const [i, tier] of tiers.entries()) {
      const prefix = `ROLLCALL_${tier.toUpperCase()}`;
      const env = {
        [`${prefix}_RPC_PORT`]: String(ports[i]!.rpc),
        [`${prefix}_HTTP_PORT`]: String(ports[i]!.http),
        [`${prefix}_DATA_DIR`]: join(folder, `${tier}-${i}`),
        ROLLCALL_CLUSTER_META_ADDRESSES: metas.join(','),
        ROLLCALL_LOG_LEVEL: 'error',
      };
      servers.push(new Server(tier, env, `http://127.0.0.1:${ports[i]!.http}`));
    }
    await Promise.all(servers.map((server) => server.start(1)));
    await Promise.all(servers.map((server) => server.ready()));
  }, 60_000);

  afterAll(async () => {
    for (const server of servers.toReversed()) await server.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const level = async (): Promise<number> => (await http('GET', `${servers[0]!.http}/v1/members`)).body.featureLevel;

  async function replace(server: Server, featureLevel: number): Promise<void> {
    await server.close();
    await server.start(featureLevel);
  }

  it('raises the feature level with the last server, and not before', async () => {
    for (const server of servers) {
      expect(await level()).toBe(1);
      await replace(server, 2);
      await server.ready();
      // Long enough for the leader to have looked at everybody.
      await setTimeout(600);
    }
    while ((await level()) !== 2) await setTimeout(20);
    expect(servers.flatMap(({ failures }) => failures)).toEqual([]);
  }, 60_000);

  it('that is taken back ends a meta server in one line that says what to start', async () => {
    const meta = servers[1]!;
    await replace(meta, 1);
    while (meta.failures.length === 0) await setTimeout(20);
    expect(describeFailure(meta.failures[0])).toMatch(
      /^The cluster is at feature level 2, and this version supports levels up to 1\. Start a version .* feature level 2 here\. \(UNSUPPORTED_LEVEL\)$/,
    );
    await replace(meta, 2);
    await meta.ready();
    expect((await http('GET', `${meta.http}/v1/members`)).body.featureLevel).toBe(2);
  }, 60_000);

  it('does not start where the snapshot is of a higher level', async () => {
    const meta = servers[2]!;
    expect((await http('POST', `${meta.http}/v1/raft/snapshot`)).status).toBe(200);
    await meta.close();
    const refusal = await meta.start(1).catch((error: unknown) => error);
    expect(describeFailure(refusal)).toMatch(/at feature level 2.*\(UNSUPPORTED_LEVEL\)$/);
    await meta.start(2);
    await meta.ready();
  }, 60_000);

  it('keeps out an old data server, which says what it waits for', async () => {
    const data = servers[3]!;
    await replace(data, 1);
    await setTimeout(1_000);
    expect((await http('GET', `${data.http}/health/ready`)).status).toBe(503);
    const { members } = (await http('GET', `${servers[0]!.http}/v1/members`)).body;
    expect(members.map(({ role }: { role: string }) => role)).toEqual(['session']);
    await replace(data, 2);
    await data.ready();
  }, 60_000);
});
