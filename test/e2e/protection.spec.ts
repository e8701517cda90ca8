import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { RpcConnection } from '#client';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { rollcall } from '../support/cli.js';
import { type Answer, http } from '../support/http.js';
import { leaderOf } from '../support/raft.js';
import { Watch } from '../support/watch.js';

/** Real processes: what becomes of publications whose session servers are killed, one or many at a time. */
describe('the protection of what is registered', () => {
  let cluster: Cluster;
  let watch: Watch;
  const clients: RpcConnection[] = [];

  beforeAll(async () => {
    // The shortest there is: clients have two seconds to return when they are told to do so at once.
    const env = {
      ROLLCALL_DATA_LIMITS_ORPHAN_GRACE_MS: '2000',
      ROLLCALL_SESSION_LIMITS_RECONNECT_SPREAD_MS: '0',
      ROLLCALL_SESSION_LIMITS_MAX_CONNECTIONS: '1000',
    };
    cluster = await startCluster({ meta: 3, data: 2, session: 3, env });
    watch = await Watch.open(`http://${cluster.node('session-1').httpAddress}`, 'dataId=service');
  }, 60_000);

  afterAll(async () => {
    watch.close();
    for (const client of clients) client.close();
    await endCluster(cluster);
  }, 60_000);

  const metas = (): readonly ClusterNode[] => cluster.of('meta').filter(({ pid }) => pid !== undefined);
  const protection = (node: ClusterNode): Promise<Answer> => http('GET', `http://${node.httpAddress}/v1/protection`);
  const confirm = (node: ClusterNode, body?: unknown): Promise<Answer> =>
    http('POST', `http://${node.httpAddress}/v1/protection/confirm`, body);
  const logged = (event: string): string[] =>
    cluster
      .of('meta')
      .flatMap(({ logFile }) => readFileSync(logFile, 'utf8').match(new RegExp(`"${event}".*`, 'g')) ?? []);
  const standing = { role: 'session', sinceEpoch: expect.any(Number), expected: 3, present: 1 };

  async function follower(): Promise<ClusterNode> {
    const { node: leader } = await leaderOf(cluster);
    return metas().find((node) => node !== leader)!;
  }

  /** A client that does not come back when its session server dies. */
  async function publish(session: ClusterNode, value: string): Promise<void> {
    const client = await RpcConnection.connect({ host: '127.0.0.1', port: session.rpcPort });
    clients.push(client);
    await client.request('registry.publish', { dataId: 'service', data: [value] });
    await watch.until(() => watch.data.includes(value));
  }

  let removedAfterMs: number;

  it('does not hold what one session server leaves behind', async () => {
    const session = cluster.node('session-3');
    await publish(session, 'of one');
    const killedAtMs = performance.now();
    await session.kill('SIGKILL');
    await watch.until(() => watch.data.length === 0);
    removedAfterMs = performance.now() - killedAtMs;
    expect((await protection(await follower())).body).toMatchObject({ protections: [] });
    await session.start().ready();
  }, 60_000);

  it('holds what many leave behind, and says so once and on every meta server', async () => {
    const lost = [cluster.node('session-2'), cluster.node('session-3')];
    for (const session of lost) await publish(session, session.name);
    await Promise.all(lost.map((session) => session.kill('SIGKILL')));
    for (const node of metas()) {
      let answer = await protection(node);
      while (answer.body.protections.length === 0) answer = await protection(node);
      expect(answer.body.protections).toEqual([standing]);
    }
    await setTimeout(5 * removedAfterMs);
    expect(watch.data).toEqual(['session-2', 'session-3']);
    expect(logged('protection-began')).toHaveLength(1);
  }, 90_000);

  it('says what is wrong with a confirmation, and takes that of another role for nothing', async () => {
    for (const node of metas()) {
      expect(await confirm(node, { role: 'meta' })).toMatchObject({
        status: 400,
        body: { details: { field: 'role' } },
      });
      expect(await confirm(node, { epoch: 1 })).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
      expect(await confirm(node, { role: 'data' })).toMatchObject({
        status: 200,
        body: { changed: false, protections: [standing] },
      });
    }
  });

  it('goes on under the next leader of meta', async () => {
    const { node: leader, status } = await leaderOf(cluster);
    await leader.kill('SIGKILL');
    await leaderOf(cluster, status.term + 1);
    for (const node of metas()) expect((await protection(node)).body.protections).toEqual([standing]);
    expect(logged('protection-began')).toHaveLength(1);
  });

  it('ends with the word of an operator, on whichever meta server', async () => {
    const node = await follower();
    const cli = (...args: string[]): ReturnType<typeof rollcall> => rollcall(['--address', node.httpAddress, ...args]);
    expect((await cli('protection', 'status')).out).toMatch(/^session: 1 of 3 servers are there; nothing is removed/);
    expect((await cli('protection', 'confirm', '--role', 'data')).out).toMatch(
      /^there was no loss .*\nsession: 1 of 3/,
    );
    expect(await cli('protection', 'confirm')).toMatchObject({ code: 0, out: 'confirmed\n' });
    expect((await cli('protection', 'status', '--json')).json).toMatchObject({ protections: [] });
    for (const each of metas()) expect((await protection(each)).body.protections).toEqual([]);
    expect(await confirm(node, {})).toMatchObject({ status: 200, body: { changed: false } });
    while (logged('protection-ended').length === 0) await setTimeout(20);
    expect(logged('protection-ended')).toEqual([expect.stringContaining('"reason":"confirmed"')]);
    await watch.until(() => watch.data.length === 0);
  }, 60_000);
});
