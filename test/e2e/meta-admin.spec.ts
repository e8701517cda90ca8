import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { RaftNodeStatus } from '#consensus';
import { Cluster, type ClusterNode } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { Operator, joiningServer } from '../support/operator.js';
import { leaderOf, raftStatus } from '../support/raft.js';

/** Real processes: who is in the group of meta servers changes over REST while the registry is used. */
describe('the administration of the meta group', () => {
  let folder: string;
  let cluster: Cluster;
  let fourth: ClusterNode;
  let fifth: ClusterNode;
  let operator: Operator;
  let grown: Cluster | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-admin-'));
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 1, session: 1, basePort: 0 });
    operator = new Operator([...cluster.of('meta')]);
    fourth = await joiningServer(cluster, 'meta-4');
    fifth = await joiningServer(cluster, 'meta-5', [fourth]);
    await cluster.start();
  }, 60_000);

  afterAll(async () => {
    await grown?.node('data-2').kill();
    await Promise.all([fourth, fifth].filter(({ pid }) => pid !== undefined).map((node) => node.kill()));
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const bad = (message: RegExp): object => ({
    status: 400,
    body: { code: 'BAD_REQUEST', message: expect.stringMatching(message) },
  });

  async function publishes(dataId: string): Promise<void> {
    const body = { dataId, data: ['here'], leaseMs: 600_000 };
    const answer = await http('POST', `http://${cluster.node('session-1').httpAddress}/v1/publishers`, body);
    expect(answer).toMatchObject({ status: 201, body: { state: 'stored' } });
  }

  it('says what is wrong with a request, the same on every node', async () => {
    await leaderOf(cluster);
    for (const node of operator.members) {
      for (const body of [{}, { node: 7 }, { node: 'meta-4' }, [fourth.rpcAddress], undefined])
        expect(await operator.raft(node, 'POST', 'learners', body)).toMatchObject(bad(/\bnode\b/));
      expect(await operator.raft(node, 'POST', 'leader', {})).toMatchObject({ body: { details: { field: 'node' } } });
      const unknown = { node: fourth.rpcAddress };
      expect(await operator.raft(node, 'POST', 'voters', unknown)).toMatchObject(bad(/is not a learner/));
      expect(await operator.raft(node, 'POST', 'leader', unknown)).toMatchObject({ status: 400 });
      expect(await operator.raft(node, 'DELETE', `members/${fourth.rpcAddress}`)).toMatchObject(bad(/is not a member/));
      expect(await operator.raft(node, 'POST', 'learners', { node: node.rpcAddress })).toMatchObject(
        bad(/voter already/),
      );
    }
  });

  it('takes a snapshot on the node that is asked', async () => {
    const node = await operator.follower();
    const { status, body } = await operator.raft(node, 'POST', 'snapshot');
    expect(status).toBe(200);
    expect(body.index).toBeGreaterThan(0);
    const after = (await raftStatus(node)) as RaftNodeStatus;
    expect(after.snapshotIndex).toBe(body.index);
  });

  it('takes in a fourth server, lets it lead, and lets an old one go', async () => {
    await publishes('before');
    // A group that it has not been added to has nothing to do with it: it waits, and says so.
    fourth.start();
    while (!(await raftStatus(fourth))) await setTimeout(20);
    expect(await raftStatus(fourth)).toMatchObject({ configuration: { voters: [], learners: [] } });
    expect(await operator.raft(fourth, 'POST', 'learners', { node: fourth.rpcAddress })).toMatchObject({
      status: 503,
      body: { code: 'NO_LEADER' },
    });
    expect((await http('GET', `http://${fourth.httpAddress}/health/ready`)).status).toBe(503);
    await fourth.kill();

    await operator.bring(fourth);
    expect(await operator.ask('POST', 'leader', { node: fourth.rpcAddress })).toMatchObject({ status: 200 });
    await operator.all(({ leader }) => leader === fourth.rpcAddress);
    await operator.remove(cluster.node('meta-1'));
    await cluster.node('meta-1').kill();
    await publishes('after');
    // Restarted, it finds in its folder who is in the group.
    await fourth.kill();
    await fourth.start().ready();
    await operator.settled();
  }, 60_000);

  it('replaces a dead server by a new one with an empty disk', async () => {
    await cluster.node('meta-2').kill();
    await operator.remove(cluster.node('meta-2'));
    await operator.bring(fifth);
    expect(operator.members).toEqual([cluster.node('meta-3'), fourth, fifth]);
    await publishes('replaced');
  }, 60_000);

  it('lets the leader itself go, and another leads, whom new members find', async () => {
    // Data and session servers look for meta at the addresses they were given, of which meta-3 is the last alive.
    expect(await operator.ask('POST', 'leader', { node: fourth.rpcAddress })).toMatchObject({ status: 200 });
    await operator.remove(fourth);
    await fourth.kill();
    await operator.all(({ leader }) => Boolean(leader) && leader !== fourth.rpcAddress);
    grown = await Cluster.open({ dir: folder, data: 2, basePort: 0 });
    await grown.node('data-2').start().ready();
    await publishes('grown');
  }, 60_000);
});
