import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { RoutingTable } from '#model';
import { Cluster, type ClusterNode, balanced } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { Publishing } from '../support/publishing.js';
import { leaderOf, raftStatus } from '../support/raft.js';
import { Watch } from '../support/watch.js';

const LEASE_MS = 3_000;

/** Real processes: three meta servers, of which some are killed while the registry is used. */
describe('a meta tier of three', () => {
  let folder: string;
  let cluster: Cluster;
  let grown: Cluster | undefined;
  let client: RegistryClient;
  let base: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-meta-'));
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 1, session: 2, basePort: 0 });
    await cluster.start();
    const [publishing, watching] = cluster.of('session');
    client = new RegistryClient({ seeds: [publishing!.rpcAddress] });
    base = `http://${watching!.httpAddress}`;
  }, 60_000);

  afterAll(async () => {
    await client?.close({ drain: false });
    await grown?.node('data-2').stop();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** All that a server has logged, also before it was killed. */
  const logged = (node: ClusterNode): string => readFileSync(node.logFile, 'utf8');

  /** Servers that lost a member, or their own membership. */
  function parted(): string[] {
    return cluster.nodes
      .filter((node) => logged(node).includes(node.tier === 'meta' ? '"member-departed"' : '"new-incarnation"'))
      .map(({ name }) => name);
  }

  /** The address of each slot's leader, in the table that a session server has saved. */
  function leaders(): (string | undefined)[] {
    const [, json] = readFileSync(join(cluster.of('session')[1]!.dataDir, 'table.json'), 'utf8').split('\n');
    const { slots, members } = JSON.parse(json!) as RoutingTable;
    return slots.map(({ leader }) => members.find(({ incarnation }) => incarnation === leader)?.address);
  }

  /** Publishes and watches while `trouble` runs, and for a while after; demands that nobody notices anything. */
  async function unnoticed(
    dataId: string,
    trouble: (publishing: Publishing) => Promise<void>,
    { slotsMove = false } = {},
  ): Promise<void> {
    const watch = await Watch.open(base, `dataId=${dataId}`);
    const publishing = new Publishing(client, base, dataId, slotsMove);
    try {
      await publishing.more(5);
      await trouble(publishing);
      await publishing.more(5);
    } finally {
      await publishing.stop();
    }
    expect(publishing.failures).toEqual([]);
    await watch.until(() => watch.data.join() === publishing.published.toSorted().join());
    const sizes = watch.events.map(({ datum }) => datum.publishers.length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    watch.close();
  }

  it('tells over HTTP who leads, the same on every node', async () => {
    const { node, status } = await leaderOf(cluster);
    expect(status).toMatchObject({ id: node.rpcAddress, role: 'leader', leader: node.rpcAddress });
    expect(status.configuration).toEqual({ voters: cluster.metaAddresses, learners: [] });
    expect(status.peers).toHaveLength(2);
    for (const other of cluster.of('meta').filter((meta) => meta !== node)) {
      const follower = await raftStatus(other);
      expect(follower).toMatchObject({ id: other.rpcAddress, role: 'follower', leader: node.rpcAddress });
      expect((await http('GET', `http://${other.httpAddress}/health/ready`)).status).toBe(200);
    }
  });

  it('loses its leader again and again, and neither publishers nor watchers nor members notice', async () => {
    await unnoticed('leader-killed', async (publishing) => {
      let { node: leader, status } = await leaderOf(cluster);
      for (let round = 0; round < 3; round++) {
        const killed = leader;
        await killed.kill('SIGKILL');
        ({ node: leader, status } = await leaderOf(cluster, status.term + 1));
        await publishing.more(5);
        await killed.start().ready();
        await caughtUp(killed, status.commit);
      }
    });
    expect(parted()).toEqual([]);
  }, 60_000);

  it('takes in a new data server under the leader that was elected last', async () => {
    grown = await Cluster.open({ dir: folder, data: 2, basePort: 0 });
    await grown.node('data-2').start().ready();
    const { node: leader } = await leaderOf(cluster);
    expect(leader.log()).toContain(`"address":"${grown.node('data-2').rpcAddress}"`);
    await unnoticed('grown', (publishing) => publishing.more(10), { slotsMove: true });
  }, 60_000);

  it('stops working without a majority, which nobody else does, and goes on when it is back', async () => {
    await unnoticed('majority-lost', async (publishing) => {
      const { node: leader, status } = await leaderOf(cluster);
      const follower = cluster.of('meta').find((node) => node !== leader)!;
      const left = cluster.of('meta').find((node) => node !== leader && node !== follower)!;
      await Promise.all([leader.kill('SIGKILL'), follower.kill('SIGKILL')]);
      let health = await http('GET', `http://${left.httpAddress}/health/ready`);
      while (health.status === 200) health = await http('GET', `http://${left.httpAddress}/health/ready`);
      expect(health).toMatchObject({ status: 503, body: { details: { waitingFor: 'a meta leader' } } });
      await publishing.more(50);
      leader.start();
      follower.start();
      await Promise.all([leader.ready(), follower.ready(), left.ready()]);
      await leaderOf(cluster, status.term + 1);
    });
    expect(parted()).toEqual([]);
  }, 60_000);

  it('hands the lead over when its leader is stopped, without an election that anybody waits for', async () => {
    const { node: leader, status } = await leaderOf(cluster);
    await unnoticed('leader-stopped', async () => {
      expect(await leader.stop()).toMatchObject({ code: 0 });
      const { node: heir, status: after } = await leaderOf(cluster, status.term + 1);
      expect(after.term).toBe(status.term + 1);
      expect(heir.log()).toMatch(/"raft-campaign".*"transfer":true/);
      await leader.start().ready();
    });
    expect(parted()).toEqual([]);
  }, 60_000);

  it('may be away as a whole for longer than a lease, and changes nothing at all when it returns', async () => {
    // A new leader moves nothing for balance until it is settled, and the table rests so long.
    await balanced(() => cluster.of('meta')[0]!);
    const before = await restingTable();
    await unnoticed('meta-away-long', async (publishing) => {
      const metas = cluster.of('meta');
      await Promise.all(metas.map((node) => node.kill('SIGKILL')));
      for (const sinceMs = performance.now(); performance.now() - sinceMs < 2 * LEASE_MS;) await publishing.more(5);
      for (const node of metas) node.start();
      const { node: leader } = await leaderOf(cluster);
      const back = (): number => leader.log().split('"member-joined"').length - 1;
      while (back() < before.members.length) await setTimeout(20);
      for (const sinceMs = performance.now(); performance.now() - sinceMs < 2 * LEASE_MS;) await publishing.more(5);
    });
    expect(await table()).toEqual(before);
    expect(parted()).toEqual([]);
  }, 120_000);

  it('may be away as a whole while the other tiers serve, also those that are restarted, and moves nothing on its return', async () => {
    const before = leaders();
    await unnoticed(
      'meta-away',
      async (publishing) => {
        const metas = cluster.of('meta');
        await Promise.all(metas.map((node) => node.kill('SIGKILL')));
        await publishing.more(20);
        const [data] = cluster.of('data');
        const [session] = cluster.of('session');
        await data!.kill('SIGKILL');
        await session!.kill('SIGKILL');
        await Promise.all([data!.start().ready(), session!.start().ready()]);
        expect(data!.log()).toContain('"standing-in"');
        await publishing.more(20);
        for (const node of metas) node.start();
        await Promise.all(metas.map((node) => node.ready()));
        await leaderOf(cluster);
        await publishing.more(20);
      },
      { slotsMove: true },
    );
    expect(leaders()).toEqual(before);
  }, 90_000);

  interface Table {
    epoch: number;
    slots: { leader: object | null; leaderEpoch: number; joining: object[] }[];
    members: object[];
  }

  async function table(): Promise<Table> {
    const { node } = await leaderOf(cluster);
    const [slots, members] = await Promise.all(
      ['slots', 'members'].map((of) => http('GET', `http://${node.httpAddress}/v1/${of}`)),
    );
    if (slots!.status !== 200 || members!.status !== 200) return table();
    return { ...(slots!.body as Pick<Table, 'epoch' | 'slots'>), members: members!.body.members as object[] };
  }

  /** Once replicas are made and slots are balanced, the table rests. */
  async function restingTable(): Promise<Table> {
    for (;;) {
      const seen = await table();
      await setTimeout(LEASE_MS / 2);
      const again = await table();
      if (again.epoch === seen.epoch && again.slots.every(({ joining }) => joining.length === 0)) return again;
    }
  }

  async function caughtUp(node: ClusterNode, commit: number): Promise<void> {
    while (((await raftStatus(node))?.applied ?? 0) < commit) await setTimeout(10);
  }
});
