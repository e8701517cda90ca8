import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { RoutingTable } from '#model';
import { Cluster, type ClusterNode, balanced } from '../../scripts/lib/cluster.mjs';
import { Churn } from '../support/churn.js';
import { type Answer, http } from '../support/http.js';
import { addressOf, isWhole, tableOf } from '../support/table.js';
import { Watch } from '../support/watch.js';

const SERVICES = Array.from({ length: 24 }, (_, i) => `service-${i}`);
/** A write over HTTP waits for the next leader of its slot however slow the machine is; that one comes is what is shown. */
const ENV = { ROLLCALL_CLUSTER_SLOT_COUNT: '64', ROLLCALL_SESSION_LIMITS_WRITE_DEADLINE_MS: '10000' };
const POLL_MS = 20;

/** Real processes: a data tier that grows from two servers to six and shrinks back, while the registry is used. */
describe('a data tier that grows and shrinks under load', () => {
  let folder: string;
  let cluster: Cluster;
  let client: RegistryClient;
  let watches: Watch[];
  let churn: Churn;
  let grown: ClusterNode[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-rebalance-'));
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 2, session: 2, basePort: 0, env: ENV });
    await cluster.start();
    client = new RegistryClient({ seeds: cluster.of('session').map(({ rpcAddress }) => rpcAddress) });
    const base = `http://${session().httpAddress}`;
    churn = new Churn(client, base, SERVICES);
    await churn.start();
    watches = await Promise.all(SERVICES.map((service) => Watch.open(base, `dataId=${service}`)));
    await Promise.all(watches.map((watch) => watch.until(({ data }) => data.length === 2)));
    await settled(cluster.of('data'));
  }, 60_000);

  afterAll(async () => {
    await churn?.stop();
    for (const watch of watches ?? []) watch.close();
    await client?.close({ drain: false });
    await Promise.all((grown ?? []).map((node) => node.pid !== undefined && node.kill()));
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const session = (): ClusterNode => cluster.of('session')[0]!;
  /** Meta servers take turns, since any of them answers. */
  let asked = 0;
  const anyMeta = (): ClusterNode => cluster.of('meta')[asked++ % 3]!;
  const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
    http(method, `http://${anyMeta().httpAddress}/v1/${path}`, body);
  const get = async (path: string): Promise<Answer['body']> => (await ask('GET', path)).body;

  /** The table once the slots are balanced over these servers alone, and nothing is left to do. */
  async function settled(servers: ClusterNode[]): Promise<RoutingTable> {
    const addresses = servers.map(({ rpcAddress }) => rpcAddress).toSorted();
    for (;;) {
      const epoch = await balanced(anyMeta);
      const table = await tableOf(session(), (each) => each.epoch >= epoch);
      if (isWhole(table, 2) && holders(table).join() === addresses.join()) return table;
      await setTimeout(POLL_MS);
    }
  }

  /** Joins that meta has proposed so far, by the logs of whoever led. */
  function joins(): number {
    const logs = cluster.of('meta').map(({ logFile }) => readFileSync(logFile, 'utf8'));
    return logs
      .flatMap((log) => log.split('\n').filter((line) => line.includes('"placing-slots"')))
      .reduce((sum, line) => sum + ((JSON.parse(line) as { join?: number }).join ?? 0), 0);
  }

  /** What changed hands meanwhile is within a tenth of the least possible, or one more. */
  async function expectFew(
    least: { joins: number; leaders: number },
    change: () => Promise<RoutingTable>,
  ): Promise<void> {
    const [joinsBefore, table] = [joins(), await tableOf(session(), (each) => isWhole(each, 2))];
    const after = await change();
    const changes = { joins: joins() - joinsBefore, leaders: leaderEpochs(after) - leaderEpochs(table) };
    for (const kind of ['joins', 'leaders'] as const) {
      expect(changes[kind]).toBeGreaterThanOrEqual(least[kind]);
      expect(changes[kind]).toBeLessThanOrEqual(Math.max(least[kind] * 1.1, least[kind] + 1));
    }
  }

  /** Everybody is shown what was published last, nobody was ever shown less than everything, and no write has failed. */
  async function expectNoError(): Promise<void> {
    await churn.anew();
    expect(churn.failures).toEqual([]);
    expect(churn.again).toBe(0);
    for (const watch of watches) {
      const round = churn.rounds - 1;
      await watch.until(({ data }) => data.every((value) => Number(value.split('-')[1]) >= round));
      expect(new Set(watch.events.map(({ datum }) => datum.publishers.length))).toEqual(new Set([2]));
    }
  }

  it('takes four more servers in once it may, with the moves that a dry run foresees', async () => {
    expect(await get('rebalance')).toMatchObject({ status: 'running', offBalance: { leads: 0, replicas: 0 } });
    expect(await ask('POST', 'rebalance/pause')).toMatchObject({ status: 200, body: { changed: true, version: 1 } });
    expect((await ask('POST', 'rebalance/resume?expectedVersion=0')).body.code).toBe('VERSION_CONFLICT');
    const more = await Cluster.open({ dir: folder, data: 6, basePort: 0, env: ENV });
    grown = more.of('data').slice(2);
    const servers = [...cluster.of('data'), ...grown];
    await Promise.all(grown.map((node) => node.start().ready()));
    let plan = await get('rebalance/plan?limit=5');
    // What leaders told before anybody published is not what they hold by now.
    while (plan.cost.slotsUnknown > 0 || plan.cost.publicationsCopied === 0) {
      await setTimeout(POLL_MS);
      plan = await get('rebalance/plan?limit=5');
    }
    expect(plan.steps.listed).toHaveLength(5);
    expect(plan.after.servers.map(({ address }: { address: string }) => address).toSorted()).toEqual(
      servers.map(({ rpcAddress }) => rpcAddress).toSorted(),
    );
    // What all leaders have told by now: every slot is joined, most of them twice, and some of them hold something.
    expect(plan.cost).toMatchObject({ slotsUnknown: 0, datumsSent: expect.any(Number) });
    expect(plan.cost.publicationsCopied).toBeGreaterThan(0);
    expect(plan.cost.bytesCopied).toBeGreaterThan(plan.cost.publicationsCopied);
    const paused = await get('rebalance');
    expect(paused).toMatchObject({ status: 'paused', next: { steps: 0 }, underWay: { joining: 0 } });
    expect(paused.offBalance.replicas).toBeGreaterThan(0);
    await expectFew(plan.least, async () => {
      await ask('POST', 'rebalance/resume');
      return settled(servers);
    });
    expect(plan.changes.joins).toBeGreaterThanOrEqual(plan.least.joins);
    await expectNoError();
  }, 60_000);

  it('is left by them again, each drained before it stops, with next to the fewest moves', async () => {
    for (const [i, node] of grown.entries()) {
      const at = `members/${node.rpcAddress}/drain`;
      const plan = await get(`rebalance/plan?drain=${node.rpcAddress}`);
      await expectFew(plan.least, async () => {
        expect((await ask('POST', at)).body).toMatchObject({ changed: true, draining: true, safeToStop: false });
        while (!(await get(at)).safeToStop) await setTimeout(POLL_MS);
        return settled([...cluster.of('data'), ...grown.slice(i + 1)]);
      });
      expect(await node.stop()).toMatchObject({ code: 0 });
    }
    await expectNoError();
    const { drains, members } = await get('members');
    expect(
      drains.map(({ address, safeToStop }: { address: string; safeToStop: boolean }) => [address, safeToStop]),
    ).toEqual(grown.map(({ rpcAddress }) => [rpcAddress, true]));
    expect(members).toHaveLength(4);
  }, 60_000);

  it('keeps a drained server empty that is started again, until that is undone', async () => {
    const [node] = grown as [ClusterNode];
    const at = `members/${node.rpcAddress}/drain`;
    await node.start().ready();
    const answer = await get(at);
    expect(answer).toMatchObject({ draining: true, safeToStop: true, incarnation: expect.any(String) });
    expect((await ask('DELETE', at)).body).toMatchObject({ changed: true });
    await settled([...cluster.of('data'), node]);
    await expectNoError();
  }, 60_000);

  it('refuses what would leave too few, and who is unknown', async () => {
    const [node] = grown as [ClusterNode];
    const [first, second] = cluster.of('data') as [ClusterNode, ClusterNode];
    const drain = (server: string, body?: unknown): Promise<Answer> => ask('POST', `members/${server}/drain`, body);
    expect((await drain('127.0.0.1:1')).body).toMatchObject({ code: 'NOT_FOUND' });
    expect((await drain(session().rpcAddress)).body).toMatchObject({ code: 'BAD_REQUEST' });
    expect((await drain(first.rpcAddress, { force: true })).body).toMatchObject({ code: 'BAD_REQUEST' });
    expect((await drain(node.rpcAddress)).status).toBe(200);
    const refused = await drain(first.rpcAddress);
    expect(refused).toMatchObject({ status: 409, body: { code: 'NOT_DRAINABLE', details: { left: 1, needed: 2 } } });
    expect((await drain(first.rpcAddress, { fewerReplicas: true })).status).toBe(200);
    expect((await drain(second.rpcAddress, { fewerReplicas: true })).body).toMatchObject({ code: 'NOT_DRAINABLE' });
  }, 60_000);
});

/** Addresses of those that hold any slot. */
function holders(table: RoutingTable): (string | undefined)[] {
  const held = table.slots.flatMap(({ leader, followers }) => [leader, ...followers]);
  return [...new Set(held.map((incarnation) => addressOf(table, incarnation)))].toSorted();
}

/** Rises by one with every change of any leader. */
function leaderEpochs({ slots }: RoutingTable): number {
  return slots.reduce((sum, { leaderEpoch }) => sum + leaderEpoch, 0);
}
