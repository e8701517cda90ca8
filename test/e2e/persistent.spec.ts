import { setTimeout } from 'node:timers/promises';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type Answer, http } from '../support/http.js';
import { addressOf, isWhole, slotHolding, tableOf } from '../support/table.js';

const NAMES = Array.from({ length: 12 }, (_, i) => `setting-${i}`);

/** Real processes and real disks: what was acknowledged is there whatever dies. */
describe('persistent publications', () => {
  let cluster: Cluster;
  /** By registerId; what was answered to be stored, and not removed since. */
  const stored = new Map<string, { dataId: string; value: string }>();

  const session = (): ClusterNode => cluster.of('session')[0]!;
  const url = (path: string): string => `http://${session().httpAddress}/v1/${path}`;
  const data = (): ClusterNode[] => cluster.of('data');

  beforeAll(async () => {
    const env = { ROLLCALL_CLUSTER_SLOT_COUNT: '16' };
    cluster = await startCluster({ meta: 1, data: 3, session: 1, env });
    await tableOf(session(), (table) => isWhole(table, 2));
  }, 60_000);

  afterAll(async () => {
    await endCluster(cluster, { gracefully: true });
  }, 60_000);

  /** Until it is done: 503 says that it may be repeated. */
  async function insist(method: string, path: string, body?: object): Promise<Answer> {
    for (;;) {
      const answer = await http(method, url(path), body);
      if (answer.status !== 503) return answer;
      expect(answer.headers.has('retry-after')).toBe(true);
      await setTimeout(20);
    }
  }

  async function store(dataId: string, value: string): Promise<string> {
    const body = { dataId, registerId: 'main', data: [value], persistent: true };
    const answer = await insist('POST', 'publishers', body);
    expect(answer).toMatchObject({ status: 201, body: { state: 'stored', persistent: true } });
    const { registerId } = answer.body;
    stored.set(registerId, { dataId, value });
    return registerId;
  }

  /** @returns how many that are */
  async function everythingIsShown(): Promise<number> {
    for (const dataId of NAMES) {
      const expected = [...stored.values()].filter((each) => each.dataId === dataId).map(({ value }) => value);
      const deadlineMs = Date.now() + 30_000;
      for (;;) {
        const { status, body } = await http('GET', url(`datums?dataId=${dataId}`));
        const shown = (body?.publishers ?? []).flatMap((each: { data: string[] }) => each.data);
        if (status === 200 && !body.partial && shown.join() === expected.join()) break;
        if (Date.now() > deadlineMs) throw new Error(`${dataId} shows ${JSON.stringify(body)}, not ${expected}.`);
        await setTimeout(20);
      }
    }
    return stored.size;
  }

  async function leaderOf(dataId: string): Promise<ClusterNode> {
    const table = await tableOf(session(), (each) => isWhole(each, 2));
    const address = addressOf(table, slotHolding(table, dataId).leader);
    return data().find(({ rpcAddress }) => rpcAddress === address)!;
  }

  it('are stored, shown and replaced, and removed by their registerId', async () => {
    for (const dataId of NAMES) await store(dataId, 'first');
    await everythingIsShown();
    const registerId = await store(NAMES[0]!, 'second');
    await everythingIsShown();
    expect((await http('PUT', url(`publishers/${registerId}/lease`))).status).toBe(404);
    expect((await insist('DELETE', `publishers/${registerId}`)).status).toBe(204);
    stored.delete(registerId);
    await everythingIsShown();
    expect((await insist('DELETE', `publishers/${registerId}`)).status).toBe(204);
    await store(NAMES[0]!, 'third');
    await everythingIsShown();
  }, 60_000);

  it('are refused where a lease or a temporary one is asked for too', async () => {
    const body = { dataId: 'x', data: ['y'], persistent: true };
    for (const extra of [{ leaseMs: 60_000 }, { temporary: true }, { persistent: 'yes' }])
      expect((await http('POST', url('publishers'), { ...body, ...extra })).body.code).toBe('BAD_REQUEST');
  });

  it('survive the death of all data servers at once', async () => {
    for (const node of data()) await node.kill('SIGKILL');
    for (const node of data()) node.start();
    expect(await everythingIsShown()).toBe(NAMES.length);
    await store(NAMES[1]!, 'after');
    await everythingIsShown();
  }, 90_000);

  it('survive the death of the leader right after the answer', async () => {
    for (let round = 0; round < 3; round++) {
      const dataId = NAMES[round]!;
      const leader = await leaderOf(dataId);
      await store(dataId, `round-${round}`);
      await leader.kill('SIGKILL');
      expect(await everythingIsShown()).toBe(NAMES.length);
      await leader.start().ready();
    }
  }, 120_000);

  it('are taken while a replica stands still, and are on its disk once it is back', async () => {
    const dataId = NAMES[2]!;
    const leader = await leaderOf(dataId);
    const others = data().filter((node) => node !== leader);
    for (const node of others) node.pause();
    await store(dataId, 'alone');
    for (const node of others) node.resume();
    const table = await tableOf(session(), (each) => isWhole(each, 2));
    expect(slotHolding(table, dataId).disks).toHaveLength(2);
    expect(await everythingIsShown()).toBe(NAMES.length);
  }, 90_000);
});
