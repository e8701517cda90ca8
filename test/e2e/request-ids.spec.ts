import { setTimeout } from 'node:timers/promises';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type Answer, http } from '../support/http.js';
import { leaderOf } from '../support/raft.js';

const TOKEN = 'a-token-of-the-operators';
const POLL_MS = 20;

type Line = Record<string, unknown> & { event: string };

/** Real processes: what one request of an operator causes is found by its id in the logs of all servers concerned. */
describe('the id of a request', () => {
  let cluster: Cluster;
  let leader: ClusterNode;
  let follower: ClusterNode;

  beforeAll(async () => {
    const env = { ROLLCALL_ADMIN_TOKEN: TOKEN };
    cluster = await startCluster({ meta: 3, data: 1, session: 1, env });
    ({ node: leader } = await leaderOf(cluster));
    follower = cluster.of('meta').find((node) => node !== leader)!;
  }, 60_000);

  afterAll(async () => {
    await endCluster(cluster);
  }, 60_000);

  const ask = (node: ClusterNode, method: string, path: string, body?: object, headers = {}): Promise<Answer> =>
    http(method, `http://${node.httpAddress}/v1/${path}`, body, headers);
  const authorization = `Bearer ${TOKEN}`;
  const linesOf = (node: ClusterNode, requestId: string): Line[] =>
    node
      .log()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => line.requestId === requestId);
  /** As soon as they are written: some are after the answer. */
  async function found(node: ClusterNode, requestId: string, count: number): Promise<Line[]> {
    for (;;) {
      const lines = linesOf(node, requestId);
      if (lines.length >= count) return lines;
      await setTimeout(POLL_MS);
    }
  }

  it('is found on the server that was asked, on the one that leads, and on the tier that was switched', async () => {
    const headers = { authorization, 'x-request-id': 'deploy-7' };
    const { status, headers: told } = await ask(follower, 'PUT', 'switches', { stopPush: { scope: 'all' } }, headers);
    expect([status, told.get('x-request-id')]).toEqual([200, 'deploy-7']);
    expect(await found(follower, 'deploy-7', 1)).toEqual([
      expect.objectContaining({
        ...{ level: 'info', tier: 'meta', event: 'admin-request', method: 'PUT', path: '/v1/switches', status: 200 },
        remote: '127.0.0.1',
      }),
    ]);
    expect(await found(leader, 'deploy-7', 1)).toEqual([
      expect.objectContaining({ tier: 'meta', event: 'change-made', change: 'setSwitches', changed: true }),
    ]);
    expect(await found(cluster.node('session-1'), 'deploy-7', 1)).toEqual([
      expect.objectContaining({ level: 'info', tier: 'session', event: 'switched' }),
    ]);
  });

  it('goes with changes of the group, too, and with what the leader says of what was changed', async () => {
    const headers = { authorization, 'x-request-id': 'quiet-1' };
    expect((await ask(follower, 'POST', 'rebalance/pause', undefined, headers)).status).toBe(200);
    const events = async (): Promise<string[]> => (await found(leader, 'quiet-1', 2)).map(({ event }) => event);
    expect((await events()).toSorted()).toEqual(['change-made', 'rebalance-paused']);
    const gone = { authorization, 'x-request-id': 'group-1' };
    await ask(follower, 'DELETE', `raft/members/${encodeURIComponent('127.0.0.1:1')}`, undefined, gone);
    expect((await found(follower, 'group-1', 1))[0]).toMatchObject({ event: 'admin-request', method: 'DELETE' });
  });

  it('is told of who is refused, and no token ever', async () => {
    const headers = { authorization: 'Bearer something-that-is-no-token', 'x-request-id': 'thief-1' };
    expect((await ask(leader, 'PUT', 'config/secret', { value: 'of-nobodys-concern' }, headers)).status).toBe(401);
    expect(await found(leader, 'thief-1', 1)).toEqual([
      expect.objectContaining({ level: 'warn', event: 'admin-denied', path: '/v1/config/secret', status: 401 }),
    ]);
    const right = { authorization, 'x-request-id': 'owner-1' };
    expect((await ask(follower, 'PUT', 'config/secret', { value: 'of-nobodys-concern' }, right)).status).toBe(200);
    await found(follower, 'owner-1', 1);
    for (const node of cluster.of('meta'))
      for (const secret of [TOKEN, 'something-that-is-no-token', 'of-nobodys-concern'])
        expect(node.log()).not.toContain(secret);
  });

  it('is made where there is none, or none that a log should hold', async () => {
    const answers = await Promise.all(
      [{}, { 'x-request-id': 'two words' }, { 'x-request-id': 'x'.repeat(129) }, { 'x-request-id': '"}' }].map(
        (headers) => ask(leader, 'GET', 'members', undefined, headers),
      ),
    );
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(/^[\w-]{36}$/);
    expect(new Set(ids).size).toBe(ids.length);
    expect(
      (await ask(leader, 'GET', 'nothing-here', undefined, { 'x-request-id': 'lost-1' })).headers.get('x-request-id'),
    ).toBe('lost-1');
  });
});
