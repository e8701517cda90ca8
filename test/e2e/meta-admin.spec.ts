import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { RaftStatus } from '#consensus';
import { Cluster, ClusterNode, portsFrom } from '../../scripts/lib/cluster.mjs';
import { type Answer, http } from '../support/http.js';
import { leaderOf, raftStatus } from '../support/raft.js';

/** Real processes: who is in the group of meta servers changes over REST while the registry is used. */
describe('the administration of the meta group', () => {
  let folder: string;
  let cluster: Cluster;
  let fourth: ClusterNode;
  let fifth: ClusterNode;
  /** The members of the group that run. */
  let metas: ClusterNode[];
  let grown: Cluster | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-admin-'));
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 1, session: 1, basePort: 0 });
    metas = [...cluster.of('meta')];
    const freePort = portsFrom(0, cluster.nodes);
    const joining = async (name: string): Promise<ClusterNode> =>
      new ClusterNode(
        { name, tier: 'meta', rpcPort: await freePort(), httpPort: await freePort() },
        { dir: folder, metaAddresses: cluster.metaAddresses, env: { ROLLCALL_META_JOIN: 'true' } },
      );
    fourth = await joining('meta-4');
    fifth = await joining('meta-5');
    await cluster.start();
  }, 60_000);

  afterAll(async () => {
    await grown?.node('data-2').kill();
    await Promise.all([fourth, fifth].filter(({ pid }) => pid !== undefined).map((node) => node.kill()));
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const raft = (node: ClusterNode, method: string, path: string, body?: unknown): Promise<Answer> =>
    http(method, `http://${node.httpAddress}/v1/raft/${path}`, body);
  const bad = (message: RegExp): object => ({
    status: 400,
    body: { code: 'BAD_REQUEST', message: expect.stringMatching(message) },
  });

  /** Resolves once this is so for every member. */
  async function all(condition: (status: RaftStatus) => boolean): Promise<void> {
    for (;;) {
      const statuses = await Promise.all(metas.map(raftStatus));
      if (statuses.every((status) => status && condition(status))) return;
      await setTimeout(20);
    }
  }

  const voters = (nodes: ClusterNode[]): string =>
    nodes
      .map(({ rpcAddress }) => rpcAddress)
      .toSorted()
      .join();

  /** Everybody has left the joint configuration for that of `metas`. */
  const settled = (): Promise<void> =>
    all(
      ({ configuration: { voters: held, outgoing, learners } }) =>
        held.toSorted().join() === voters(metas) && !outgoing && learners.length === 0,
    );

  /** A member that does not lead. */
  async function follower(): Promise<ClusterNode> {
    await all(({ leader }) => leader !== undefined);
    for (const node of metas) if ((await raftStatus(node))?.role !== 'leader') return node;
    throw new Error('Every node leads.');
  }

  /** Asks a follower, and asks again as the code says: while there is no leader, or the learner has not caught up. */
  async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
    for (;;) {
      const answer = await raft(await follower(), method, path, body);
      if (!['NO_LEADER', 'NOT_LEADER', 'NOT_READY'].includes(answer.body.code as string)) return answer;
      expect(answer.status).toBe(503);
      await setTimeout(20);
    }
  }

  async function bring(node: ClusterNode): Promise<void> {
    node.start();
    while (!(await raftStatus(node))) await setTimeout(20);
    expect(await ask('POST', 'learners', { node: node.rpcAddress })).toMatchObject({
      status: 200,
      body: { configuration: { learners: [node.rpcAddress] } },
    });
    await node.ready();
    expect(await ask('POST', 'voters', { node: node.rpcAddress })).toMatchObject({ status: 200 });
    metas.push(node);
    await settled();
  }

  async function remove(node: ClusterNode): Promise<void> {
    metas = metas.filter((other) => other !== node);
    expect(await ask('DELETE', `members/${node.rpcAddress}`)).toMatchObject({ status: 200 });
    await settled();
  }

  async function publishes(dataId: string): Promise<void> {
    const body = { dataId, data: ['here'], leaseMs: 600_000 };
    const answer = await http('POST', `http://${cluster.node('session-1').httpAddress}/v1/publishers`, body);
    expect(answer).toMatchObject({ status: 201, body: { state: 'stored' } });
  }

  it('says what is wrong with a request, the same on every node', async () => {
    await leaderOf(cluster);
    for (const node of metas) {
      for (const body of [{}, { node: 7 }, { node: 'meta-4' }, [fourth.rpcAddress], undefined])
        expect(await raft(node, 'POST', 'learners', body)).toMatchObject(bad(/\bnode\b/));
      expect(await raft(node, 'POST', 'leader', {})).toMatchObject({ body: { details: { field: 'node' } } });
      const unknown = { node: fourth.rpcAddress };
      expect(await raft(node, 'POST', 'voters', unknown)).toMatchObject(bad(/is not a learner/));
      expect(await raft(node, 'POST', 'leader', unknown)).toMatchObject({ status: 400 });
      expect(await raft(node, 'DELETE', `members/${fourth.rpcAddress}`)).toMatchObject(bad(/is not a member/));
      expect(await raft(node, 'POST', 'learners', { node: node.rpcAddress })).toMatchObject(bad(/voter already/));
    }
  });

  it('takes a snapshot on the node that is asked', async () => {
    const node = await follower();
    const { status, body } = await raft(node, 'POST', 'snapshot');
    expect(status).toBe(200);
    expect(body.index).toBeGreaterThan(0);
    const after = (await raftStatus(node)) as RaftStatus & { snapshotIndex: number };
    expect(after.snapshotIndex).toBe(body.index);
  });

  it('takes in a fourth server, lets it lead, and lets an old one go', async () => {
    await publishes('before');
    // A group that it has not been added to has nothing to do with it: it waits, and says so.
    fourth.start();
    while (!(await raftStatus(fourth))) await setTimeout(20);
    expect(await raftStatus(fourth)).toMatchObject({ configuration: { voters: [], learners: [] } });
    expect(await raft(fourth, 'POST', 'learners', { node: fourth.rpcAddress })).toMatchObject({
      status: 503,
      body: { code: 'NO_LEADER' },
    });
    expect((await http('GET', `http://${fourth.httpAddress}/health/ready`)).status).toBe(503);
    await fourth.kill();

    await bring(fourth);
    expect(await ask('POST', 'leader', { node: fourth.rpcAddress })).toMatchObject({ status: 200 });
    await all(({ leader }) => leader === fourth.rpcAddress);
    await remove(cluster.node('meta-1'));
    await cluster.node('meta-1').kill();
    await publishes('after');
    // Restarted, it finds in its folder who is in the group.
    await fourth.kill();
    await fourth.start().ready();
    await settled();
  }, 60_000);

  it('replaces a dead server by a new one with an empty disk', async () => {
    await cluster.node('meta-2').kill();
    await remove(cluster.node('meta-2'));
    await bring(fifth);
    expect(voters(metas)).toBe(voters([cluster.node('meta-3'), fourth, fifth]));
    await publishes('replaced');
  }, 60_000);

  it('lets the leader itself go, and another leads, whom new members find', async () => {
    // Data and session servers look for meta at the addresses they were given, of which meta-3 is the last alive.
    expect(await ask('POST', 'leader', { node: fourth.rpcAddress })).toMatchObject({ status: 200 });
    await remove(fourth);
    await fourth.kill();
    await all(({ leader }) => leader !== undefined && leader !== fourth.rpcAddress);
    grown = await Cluster.open({ dir: folder, data: 2 });
    await grown.node('data-2').start().ready();
    await publishes('grown');
  }, 60_000);
});
