import { key } from '#etcd/testing';
import { toDataInfoId } from '#model';
import { slotOf } from '#sharding';
import type { Cluster } from '#sim';
import {
  NativeWatcher,
  PREFIX,
  SERVICE,
  clusterWithLayout,
  keyOf,
  makeStores,
  publish,
  readAll,
  serves,
} from './native-watchers.js';
import { runNatives } from './random-natives.js';

const SLOTS = 8;
const WITHIN_MS = 1_000;

function scene(seed: number): { cluster: Cluster; watcher: NativeWatcher; stores: ReturnType<typeof makeStores> } {
  const cluster = clusterWithLayout({ seed, data: 3, sessions: 2, clients: 2, slotCount: SLOTS });
  cluster.run(5_000);
  const stores = makeStores();
  const [one, other] = cluster.sessions;
  const watcher = new NativeWatcher(cluster, one!, other!, stores);
  cluster.until('it watches', () => watcher.isCreated);
  return { cluster, watcher, stores };
}

function leaderOf(cluster: Cluster): string {
  const { slots } = cluster.meta.state.table;
  const id = toDataInfoId({ dataId: SERVICE, group: 'DEFAULT_GROUP', instanceId: 'DEFAULT_INSTANCE_ID' });
  const { leader } = slots[slotOf(id, SLOTS)]!;
  return cluster.data.find(({ incarnation }) => incarnation === leader)!.name;
}

describe('a watch of the keys of a service', () => {
  it('tells what is published natively, changed and removed, within a second', () => {
    const { cluster, watcher } = scene(1);
    const publisher = publish(cluster.clients[0]!, '10.0.0.1');
    cluster.until('it is told', () => watcher.held.size === 1, WITHIN_MS);
    publisher.republish(serves('10.0.0.1', 20));
    cluster.until('it is told', () => watcher.told.length === 2, WITHIN_MS);
    publisher.republish(serves('10.0.0.2'));
    cluster.until('it is told', () => watcher.told.length === 4, WITHIN_MS);
    publisher.unpublish();
    cluster.until('it is told', () => watcher.held.size === 0, WITHIN_MS);
    const [one, other] = [keyOf('10.0.0.1'), keyOf('10.0.0.2')];
    expect(watcher.told.slice(0, 2)).toEqual([`put ${one}`, `put ${one}`]);
    expect(watcher.told.slice(2, 4).toSorted()).toEqual([`delete ${one}`, `put ${other}`]);
    expect(watcher.told.slice(4)).toEqual([`delete ${other}`]);
  });

  it('tells of a key that was put, while there is one, and of what is published there when it goes', async () => {
    const { cluster, watcher } = scene(2);
    const run = (isAnswered: () => boolean): void => void cluster.until('an answer', isAnswered, 20_000);
    const store = cluster.sessions[0]!.keyStore(run);
    const publisher = publish(cluster.clients[0]!, '10.0.0.1');
    cluster.until('it is told', () => watcher.held.size === 1, WITHIN_MS);
    const native = watcher.state();
    const put = { key: key(keyOf('10.0.0.1')), value: key('own') };
    await store.put(put);
    cluster.until('it is told', () => watcher.told.length === 2, WITHIN_MS);
    expect(watcher.state()).toBe(`${keyOf('10.0.0.1')}=own`);
    // Behind it, nobody sees what is published.
    publisher.republish(serves('10.0.0.1', 30));
    publisher.republish(serves('10.0.0.1'));
    cluster.run(500);
    await store.deleteRange({ key: put.key });
    cluster.until('it is told', () => watcher.told.length === 3, WITHIN_MS);
    expect(watcher.state()).toBe(native);
    expect(watcher.told.every((line) => line.startsWith('put'))).toBe(true);
  });

  it.each([1, 2, 3])('tells of no removal because servers die: seed %i', (seed) => {
    const { cluster, watcher } = scene(seed);
    cluster.clients.forEach((client, index) => publish(client, `10.0.0.${index + 1}`));
    cluster.until('it is told', () => watcher.held.size === 2, WITHIN_MS);
    cluster.kill(leaderOf(cluster));
    cluster.run(10_000);
    cluster.kill('session-1');
    cluster.run(20_000);
    expect(watcher.told.filter((line) => line.startsWith('delete'))).toEqual([]);
    expect(watcher.end).toBeUndefined();
    expect(watcher.state()).toBe(readAll(cluster, cluster.sessions[1]!));
    expect(watcher.held.size).toBe(2);
  });

  it.each([1, 2, 3])('goes on at another server where its own dies, and misses nothing: seed %i', (seed) => {
    const { cluster, watcher, stores } = scene(seed);
    const [client] = cluster.clients;
    publish(client!, '10.0.0.1');
    cluster.until('it is told', () => watcher.held.size === 1, WITHIN_MS);
    cluster.kill('session-2');
    cluster.run(100);
    cluster.clients.forEach((each, index) => publish(each, `10.0.1.${index}`));
    cluster.run(15_000);
    watcher.resume(cluster.sessions[0]!);
    cluster.until('it is told', () => watcher.held.size === 3, WITHIN_MS);
    expect(watcher.end).toBeUndefined();
    expect(stores).toBeDefined();
  });

  it('does not go on from before what anybody remembers', () => {
    const { cluster } = scene(3);
    publish(cluster.clients[0]!, '10.0.0.1');
    cluster.run(1_000);
    const reasons: string[] = [];
    const store = cluster.sessions[0]!.keyStore(() => {});
    store.watchAtOnce({ ...PREFIX, startRevision: 5n }, (event) => {
      if (event.type === 'ended') reasons.push(event.reason);
    });
    cluster.until('it ends', () => reasons.length > 0, 5_000);
    expect(reasons).toEqual(['compacted']);
  });
});

const FROM = Number(process.env['NATIVE_SEED'] ?? 1);
const SEEDS = Number(process.env['NATIVE_SEEDS'] ?? 2);

/** What the seeds must come across together to mean anything. */
const EXERCISES = [
  ...['published', 'republished', 'unpublished', 'put', 'deleted', 'told of a put', 'told of a delete'],
  ...['watch held to the end', 'watch resumed', 'data server killed', 'session server killed'],
];

describe('watches of services while servers die', () => {
  it('come to what there is, put or published, and are told nothing twice', () => {
    const counts: Record<string, number> = {};
    for (let seed = FROM; seed < FROM + SEEDS; seed++)
      for (const [what, times] of Object.entries(runNatives(seed))) counts[what] = (counts[what] ?? 0) + times;
    if (process.env['NATIVE_SEEDS']) console.log(JSON.stringify(counts));
    expect(EXERCISES.filter((what) => !counts[what])).toEqual([]);
  }, 300_000);
});
