import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import { type Cluster, type ClusterNode, balanced } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { http } from '../support/http.js';

const POLL_MS = 20;
const NAMES = Array.from({ length: 30 }, (_, i) => `name-${String(i).padStart(2, '0')}`);

type Item = Record<string, unknown>;

/** Real processes: whatever is asked of one server is told of all. */
describe('the lists of a cluster', () => {
  let cluster: Cluster;
  let sessions: ClusterNode[];
  let datas: ClusterNode[];
  const clients: RegistryClient[] = [];

  beforeAll(async () => {
    cluster = await startCluster({ meta: 1, data: 2, session: 2 });
    [sessions, datas] = [cluster.of('session'), cluster.of('data')];
    for (const [at, { rpcAddress }] of sessions.entries()) {
      const client = new RegistryClient({ seeds: [rpcAddress], appName: `app-${at}` });
      clients.push(client);
      await client.connect();
      for (const [i, dataId] of NAMES.entries()) if (i % 2 === at) await client.publish({ dataId, data: [dataId] });
    }
    await Promise.all(clients.map((client) => client.subscribe({ dataId: NAMES[0]! }).ready()));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close({ drain: false })));
    await endCluster(cluster);
  }, 60_000);

  const get = async (node: ClusterNode, path: string): Promise<Record<string, unknown>> => {
    const { status, body } = await http('GET', `http://${node.httpAddress}/v1/${path}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body as Record<string, unknown>;
  };

  /** All of a list, some at a time; each page is asked of another of the servers. */
  async function all(nodes: ClusterNode[], list: string, query = ''): Promise<Item[]> {
    const items: Item[] = [];
    for (let page = 0, after = ''; ; page++) {
      const answer = await get(nodes[page % nodes.length]!, `${list}?limit=7${query}${after}`);
      expect(answer['unanswered'] ?? []).toEqual([]);
      items.push(...(answer[list] as Item[]));
      if (answer['next'] === undefined) return items;
      after = `&after=${String(answer['next'])}`;
    }
  }

  const namesIn = (items: Item[]): string[] => items.map(({ dataId }) => String(dataId)).toSorted();

  it('have every client, publication and subscriber once, on any session server', async () => {
    const connections = await all(sessions, 'connections');
    expect(connections.map(({ session, appName }) => [session, appName]).toSorted()).toEqual(
      sessions.map(({ rpcAddress }, at) => [rpcAddress, `app-${at}`]).toSorted(),
    );
    expect(namesIn(await all(sessions, 'publishers'))).toEqual(NAMES);
    expect(namesIn(await all(sessions, 'publishers', '&appName=app-1'))).toEqual(NAMES.filter((_, i) => i % 2 === 1));
    expect(await all(sessions, 'subscribers', `&dataId=${NAMES[0]}`)).toHaveLength(2);
    const { publishers } = await get(sessions[1]!, 'publishers?local=true');
    expect(namesIn(publishers as Item[])).toEqual(NAMES.filter((_, i) => i % 2 === 1));
  });

  it('have every name once, also while slots change hands', async () => {
    const datums = await all(sessions, 'datums');
    expect(namesIn(datums)).toEqual(NAMES);
    expect(datums).toEqual(datums.map(() => expect.objectContaining({ publications: 1 })));
  });

  it('name the data server that leads the slot, which has the same in its own list', async () => {
    const epoch = await balanced(() => cluster.node('meta-1'));
    for (const data of datas)
      while (Number((await get(data, 'datums?limit=1'))['tableEpoch'] ?? 0) < epoch) await setTimeout(POLL_MS);
    const datums = await all(sessions, 'datums');
    for (const data of datas) {
      const own = await all([data], 'datums');
      expect(own.length).toBeGreaterThan(0);
      expect(namesIn(own)).toEqual(namesIn(datums.filter(({ leader }) => leader === data.rpcAddress)));
    }
    expect(namesIn(await all(sessions, 'datums', '&prefix=name-1'))).toEqual(NAMES.slice(10, 20));
  });

  it('have the publications of one name in pages', async () => {
    for (let i = 0; i < 20; i++) await clients[i % 2]!.publish({ dataId: 'many', data: [`${i}`] });
    const seen: string[] = [];
    for (let after = ''; ;) {
      const { publishers, next } = await get(sessions[0]!, `datums?dataId=many&limit=6${after}`);
      seen.push(...(publishers as { data: string[] }[]).flatMap(({ data }) => data));
      if (next === undefined) break;
      after = `&after=${String(next)}`;
    }
    expect(seen.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect((await get(sessions[0]!, 'datums?dataId=many'))['publishers']).toHaveLength(20);
    const [{ leader }] = (await get(sessions[0]!, 'datums?prefix=many'))['datums'] as [{ leader: string }];
    const led = datas.find(({ rpcAddress }) => rpcAddress === leader)!;
    const contents = await get(led, 'datums?dataId=many&limit=6');
    expect(contents).toMatchObject({ count: 20, complete: true, next: expect.any(String) });
    expect(contents['publications']).toHaveLength(6);
  });

  it('tell who has disappeared, when and why, the newest first', async () => {
    const [here] = sessions;
    const gone = new RegistryClient({ seeds: [here!.rpcAddress], appName: 'gone' });
    const [first, last] = [await gone.publish({ dataId: 'first', data: ['1'] }), { dataId: 'last', data: ['2'] }];
    await gone.publish(last);
    let removals: Item[] = [];
    const untilTold = async (count: number): Promise<void> => {
      while (removals.length < count) {
        await setTimeout(POLL_MS);
        removals = await all(sessions, 'removals', '&appName=gone');
      }
    };
    await first.unpublish();
    // They are ordered by the clocks of two servers, which may differ by a millisecond.
    await untilTold(1);
    await gone.close();
    await untilTold(2);
    expect(removals).toMatchObject([
      { dataId: 'last', cause: 'goodbye', why: 'Its client said goodbye.' },
      { dataId: 'first', cause: 'unpublish', by: { address: here!.rpcAddress }, kind: 'connected', appName: 'gone' },
    ]);
    expect(removals.map(({ client }) => client)).toEqual(['127.0.0.1', '127.0.0.1']);
    for (const { at, agoMs, session } of removals as { at: string; agoMs: number; session: unknown }[]) {
      expect(Math.abs(Date.now() - agoMs - Date.parse(at))).toBeLessThan(60_000);
      expect(session).toMatchObject({ address: here!.rpcAddress });
    }
    const own = await Promise.all(datas.map((data) => all([data], 'removals', '&appName=gone')));
    expect(namesIn(own.flat())).toEqual(['first', 'last']);
  });

  it('have the slots and members of the cluster, all at once or some at a time', async () => {
    const [meta] = cluster.of('meta');
    const whole = (await get(meta!, 'slots'))['slots'] as Item[];
    expect(await all([meta!], 'slots', `&server=${datas[0]!.rpcAddress}`)).toEqual(
      whole.filter((slot) => JSON.stringify(slot).includes(datas[0]!.rpcAddress)),
    );
    expect((await all([meta!], 'slots')).map(({ slot }) => slot)).toEqual(whole.map((_, slot) => slot));
    expect((await all([meta!], 'members', '&role=session')).map(({ address }) => address).toSorted()).toEqual(
      sessions.map(({ rpcAddress }) => rpcAddress).toSorted(),
    );
    const led = await Promise.all(datas.map((data) => all([data], 'slots')));
    expect(
      led
        .flat()
        .map(({ slot }) => Number(slot))
        .toSorted((a, b) => a - b),
    ).toEqual(whole.map((_, slot) => slot));
  });

  it('name the server that has not answered, and have what the others hold', async () => {
    const [here, paused] = sessions as [ClusterNode, ClusterNode];
    paused.pause();
    try {
      const { connections, unanswered } = await get(here, 'connections');
      expect(connections).toMatchObject([{ session: here.rpcAddress }]);
      expect(unanswered).toEqual([{ server: paused.rpcAddress, reason: expect.stringContaining('timeout') }]);
    } finally {
      paused.resume();
    }
  });

  it('refuse a page of a million, and what they do not know', async () => {
    for (const node of [...sessions, ...datas])
      for (const path of [
        'datums?limit=1000000',
        'removals?limit=1000000',
        'datums?after=x',
        'removals?since=yesterday',
      ]) {
        const { status, body } = await http('GET', `http://${node.httpAddress}/v1/${path}`);
        expect({ path, status, body }).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
      }
  });
});
