import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type Answer, http } from '../support/http.js';
import { leaderOf } from '../support/raft.js';
import { Watch } from '../support/watch.js';

/** Real processes: what operators read and change of the replicated state, on any of three meta servers. */
describe('the state of the cluster over REST', () => {
  let cluster: Cluster;
  let metas: ClusterNode[];

  beforeAll(async () => {
    cluster = await startCluster({ meta: 3, data: 1, session: 1 });
    metas = cluster.of('meta');
  }, 60_000);

  afterAll(async () => {
    await endCluster(cluster);
  }, 60_000);

  const on = (node: ClusterNode, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> =>
    http(method, `http://${node.httpAddress}/v1/${path}`, body, headers);
  const get = (node: ClusterNode, path: string): Promise<Answer> => on(node, 'GET', path);
  const set = (node: ClusterNode, key: string, value: string, query = ''): Promise<Answer> =>
    on(node, 'PUT', `config/${key}${query}`, { value });
  const others = (node: ClusterNode): ClusterNode[] => metas.filter((other) => other !== node);

  it('tells on every server who is there, who leads, and where', async () => {
    const { node: leader, status } = await leaderOf(cluster);
    for (const node of metas) {
      expect((await get(node, 'leader')).body).toEqual({ leader: leader.rpcAddress, term: status.term });
      const { body: members } = await get(node, 'members');
      expect(members).toMatchObject({ featureLevel: expect.any(Number), departed: [] });
      expect(members.members.map(({ address }: { address: string }) => address).toSorted()).toEqual(
        [...cluster.of('data'), ...cluster.of('session')].map(({ rpcAddress }) => rpcAddress).toSorted(),
      );
      const { body: slots, headers } = await get(node, 'slots');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(slots).toMatchObject({ clusterId: members.clusterId, epoch: members.epoch });
      expect(slots.slots).toHaveLength(256);
      expect(slots.slots[7]).toMatchObject({ slot: 7, leader: { address: cluster.node('data-1').rpcAddress } });
    }
  });

  it('lets a write through one server be seen through every other at once', async () => {
    for (let round = 0; round < 12; round++) {
      const writer = metas[round % 3]!;
      const { status, body } = await set(writer, 'seen', `value-${round}`);
      expect({ status, changed: body.changed }).toEqual({ status: 200, changed: true });
      const answers = await Promise.all(metas.map((node) => get(node, 'config/seen')));
      for (const answer of answers)
        expect(answer.body).toEqual({ key: 'seen', value: `value-${round}`, version: body.version });
    }
  });

  it('says what is wrong with a request, the same on every server', async () => {
    for (const node of metas) {
      const refusals: [Promise<Answer>, number, string][] = [
        [get(node, 'config/nobody-set-it'), 404, 'NOT_FOUND'],
        [get(node, 'slots?consistency=eventual'), 400, 'BAD_REQUEST'],
        [on(node, 'PUT', 'switches', { readOnly: 1 }), 400, 'BAD_REQUEST'],
        [
          on(node, 'PUT', 'switches', { stopPush: { scope: 'addresses', addresses: ['10.0.0.1:80'] } }),
          400,
          'BAD_REQUEST',
        ],
        [on(node, 'PUT', 'config/k', { value: 'x'.repeat(65_537) }), 413, 'CONFIG_TOO_LARGE'],
        [on(node, 'PUT', 'config/k', { value: 'x' }, { 'idempotency-key': 'x'.repeat(513) }), 400, 'INVALID_NAME'],
        [on(node, 'PUT', `config/${'k'.repeat(513)}`, { value: 'x' }), 400, 'INVALID_NAME'],
        [set(node, 'k', 'x', '?expectedVersion=9'), 409, 'VERSION_CONFLICT'],
        [on(node, 'DELETE', 'config/seen?expectedVersion=1'), 409, 'VERSION_CONFLICT'],
      ];
      for (const [answer, status, code] of refusals)
        expect({ status: (await answer).status, code: (await answer).body.code }).toEqual({ status, code });
    }
  });

  it('keeps configuration values under any key, listed without their content', async () => {
    const key = 'a/b c?d=%25 grün';
    const path = `config/${encodeURIComponent(key)}`;
    const { body } = await on(metas[0]!, 'PUT', `${path}?expectedVersion=0`, { value: 'ü' });
    expect((await get(metas[1]!, path)).body).toEqual({ key, value: 'ü', version: body.version });
    const { body: list } = await get(metas[2]!, 'config');
    expect(list.values).toContainEqual({ key, version: body.version, bytes: 2 });
    expect((await on(metas[1]!, 'PUT', `${path}?expectedVersion=0`, { value: 'v' })).body).toMatchObject({
      code: 'VERSION_CONFLICT',
      details: { version: body.version },
    });
    const deleted = await on(metas[2]!, 'DELETE', `${path}?expectedVersion=${body.version}`);
    expect(deleted.body).toEqual({ version: body.version + 1, changed: true });
    expect((await on(metas[0]!, 'DELETE', path)).body).toMatchObject({ changed: false });
    expect((await get(metas[0]!, path)).status).toBe(404);
  });

  it('makes a change that is repeated under its key once, through whichever server', async () => {
    const headers = { 'idempotency-key': 'change-1' };
    const answers: Answer[] = [];
    for (const node of [...metas, ...metas])
      answers.push(await on(node, 'PUT', 'config/once', { value: 'x' }, headers));
    const [{ body: first }] = answers as [Answer];
    expect(first.changed).toBe(true);
    expect(answers.map(({ body }) => body)).toEqual(answers.map(() => first));
    await set(metas[0]!, 'once', 'y');
    expect((await on(metas[1]!, 'PUT', 'config/once', { value: 'x' }, headers)).body).toEqual(first);
    expect((await get(metas[2]!, 'config/once')).body.value).toBe('y');
  });

  it('never answers with what a leader knew before it stood still, and tells of what may be stale how old it is', async () => {
    for (let round = 0; round < 3; round++) {
      const { node: old, status } = await leaderOf(cluster);
      await set(old, 'paused', `old-${round}`);
      old.pause();
      const written = await set(others(old)[0]!, 'paused', `new-${round}`);
      expect(written.status).toBe(200);
      const writtenAtMs = performance.now();
      const ask = (query = ''): Promise<Answer> => get(old, `config/paused${query}`);
      // These wait in the sockets of the old leader, and are what it finds first when it goes on.
      const early = Array.from({ length: 5 }, () => [ask(), ask('?consistency=stale')]);
      await get(others(old)[1]!, 'config/paused');
      const resumedAtMs = performance.now();
      old.resume();
      const late = Array.from({ length: 5 }, () => [ask(), ask('?consistency=stale')]);
      const answers = await Promise.all([...early, ...late].map((pair) => Promise.all(pair)));
      const answered = answers.map(([linearizable]) => linearizable!).filter(({ status: code }) => code !== 503);
      expect(answered.length).toBeGreaterThan(0);
      expect(answered.map(({ body }) => body.value)).toEqual(answered.map(() => `new-${round}`));
      const stale = answers.map(([, may]) => may!);
      expect(stale.map(({ status: code }) => code)).toEqual(stale.map(() => 200));
      const isMisjudged = ({ body: { value, ageMs } }: Answer): boolean =>
        value === `old-${round}` && ageMs !== null && ageMs < resumedAtMs - writtenAtMs;
      expect(stale.filter(isMisjudged)).toEqual([]);
      await leaderOf(cluster, status.term + 1);
    }
  }, 60_000);

  it('answers without a majority only what may be stale, and says of a change that it may have been made', async () => {
    const { node: leader, status } = await leaderOf(cluster);
    const { body: before } = await set(leader, 'open', 'before');
    await Promise.all(others(leader).map((node) => node.kill('SIGKILL')));
    const headers = { 'idempotency-key': 'open' };
    const [open, read] = await Promise.all([
      on(leader, 'PUT', 'config/open', { value: 'after' }, headers),
      get(leader, 'config/open'),
    ]);
    expect(open).toMatchObject({ status: 504, body: { code: 'OUTCOME_UNKNOWN' } });
    expect(read.status).toBe(503);
    // Nobody can be asked any more, so this one has certainly not been made.
    expect(await set(leader, 'open', 'never')).toMatchObject({ status: 503, body: { code: 'NO_LEADER' } });
    const stale = await get(leader, 'config/open?consistency=stale');
    expect(stale).toMatchObject({ status: 200, body: { value: 'before' } });
    expect(stale.body.ageMs === null || stale.body.ageMs > 1_000).toBe(true);
    expect(await get(leader, 'config/open?consistency=stale&maxAgeMs=1000')).toMatchObject({
      status: 503,
      body: { code: 'NO_LEADER' },
    });

    await Promise.all(others(leader).map((node) => node.start().ready()));
    await leaderOf(cluster, status.term + 1);
    const repeated = await on(others(leader)[0]!, 'PUT', 'config/open', { value: 'after' }, headers);
    expect(repeated).toMatchObject({ status: 200, body: { changed: true, version: before.version + 1 } });
    for (const node of metas)
      expect((await get(node, 'config/open')).body).toEqual({
        key: 'open',
        value: 'after',
        version: before.version + 1,
      });
    const fresh = await get(others(leader)[0]!, 'config/open?consistency=stale&maxAgeMs=1000');
    expect(fresh.body.ageMs).toBeLessThanOrEqual(1_000);
  }, 60_000);

  it('switches the whole cluster, across a restart of everything', async () => {
    const session = cluster.node('session-1');
    const base = `http://${session.httpAddress}`;
    const post = (dataId: string, registerId = dataId): Promise<Answer> =>
      http('POST', `${base}/v1/publishers`, { dataId, registerId, data: [registerId], leaseMs: 600_000 });
    /** A watch that is told to wait. It takes a moment until the session server knows that it must. */
    const pending = async (dataId: string): Promise<Watch> => {
      for (;;) {
        const watch = await Watch.open(base, `dataId=${dataId}`);
        await watch.until(({ comments, events }) => comments.includes('pending') || events.length > 0);
        if (watch.events.length === 0) return watch;
        watch.close();
      }
    };
    const readOnly = { status: 503, body: { code: 'READ_ONLY' } };

    expect((await post('switched')).status).toBe(201);
    const watch = await Watch.open(base, 'dataId=switched');
    await watch.until(({ data }) => data.length === 1);
    const [first, second] = metas as [ClusterNode, ClusterNode];
    const stopPush = { scope: 'addresses', addresses: ['127.0.0.1'] };
    expect((await on(first, 'PUT', 'switches', { stopPush })).body).toEqual({ version: 1, changed: true });
    const late = await pending('switched');
    const another = await post('switched', 'another');
    expect(another.status).toBe(201);
    expect((await http('GET', `${base}/v1/datums?dataId=switched`)).body.publishers).toHaveLength(2);

    expect((await on(second, 'PUT', 'switches', { readOnly: true })).body).toEqual({ version: 2, changed: true });
    // What was taken before the switch arrived is taken again after it.
    let refused = await post('switched', 'late-1');
    for (let attempt = 2; refused.status === 201; attempt++) refused = await post('switched', `late-${attempt}`);
    expect(refused).toMatchObject(readOnly);
    expect(refused.headers.has('retry-after')).toBe(true);
    expect(await http('DELETE', `${base}/v1/publishers/${another.body.registerId}`)).toMatchObject(readOnly);
    expect((await post('switched', 'another')).status).toBe(201);
    expect([watch.events.length, late.events.length]).toEqual([1, 0]);
    watch.close();
    late.close();

    // It is refused before it is on the disk that it is.
    const saved = (): string => readFileSync(join(session.dataDir, 'switches.json'), 'utf8');
    while (!saved().includes('"readOnly":true')) await setTimeout(20);
    await cluster.kill();
    // They come up without meta, and know.
    for (const node of [cluster.node('data-1'), session]) node.start();
    await Promise.all([cluster.node('data-1').ready(), session.ready()]);
    expect(await post('restarted')).toMatchObject(readOnly);
    const again = await pending('restarted');
    await Promise.all(metas.map((node) => node.start().ready()));
    for (const node of metas)
      expect((await get(node, 'switches')).body).toMatchObject({ version: 2, switches: { readOnly: true, stopPush } });
    expect(await post('restarted')).toMatchObject(readOnly);
    expect(again.events).toEqual([]);

    const normal = { readOnly: false, stopPush: { scope: 'none' } };
    expect((await on(first, 'PUT', 'switches', normal)).body).toEqual({ version: 3, changed: true });
    let stored = await post('restarted');
    while (stored.status === 503) stored = await post('restarted');
    expect(stored.status).toBe(201);
    await again.until(({ data }) => data.length === 1);
    again.close();
  }, 60_000);
});
