import { type WatchEvent, placeOf } from '#etcd';
import { key, text } from '#etcd/testing';
import { slotOf } from '#sharding';
import type { Cluster } from '#sim';
import { watched } from '../watched.js';

const SLOTS = 8;

/** Three data servers, and two session servers: one whose client watches, and one whose client puts. */
class Scene {
  readonly cluster: Cluster;
  readonly told: WatchEvent[] = [];
  /** What was there before anybody watched. */
  readonly first: Promise<bigint>;
  private readonly puts;

  constructor(seed: number) {
    this.cluster = watched({ seed, data: 3, sessions: 2, clients: 0, slotCount: SLOTS });
    this.cluster.run(5_000);
    const run = (isAnswered: () => boolean): void => void this.cluster.until('an answer', isAnswered, 20_000);
    const [watching, putting] = this.cluster.sessions.map((session) => session.keyStore(run));
    this.puts = putting!;
    this.first = this.put('0');
    watching!.watchAtOnce({ key: key('app/a') }, (event) => void this.told.push(event));
  }

  async put(value: string): Promise<bigint> {
    return (await this.puts.put({ key: key('app/a'), value: key(value) })).header.revision;
  }

  /** Whoever has just died does not say that it was not done; by its former value it is done once. */
  async replace(before: string, value: string): Promise<bigint> {
    const compare = { key: key('app/a'), result: '=' as const, target: 'value' as const, operand: key(before) };
    const put = { op: 'put' as const, request: { key: key('app/a'), value: key(value) } };
    try {
      return (await this.puts.txn({ compare: [compare], success: [put], failure: [] })).header.revision;
    } catch {
      this.cluster.run(100);
      return this.replace(before, value);
    }
  }

  get leader(): string {
    const { slots } = this.cluster.meta.state.table;
    const { leader } = slots[slotOf(placeOf('app/a')!.dataInfoId, SLOTS)]!;
    return this.cluster.data.find(({ incarnation }) => incarnation === leader)!.name;
  }

  get values(): string[] {
    return this.told.flatMap((event) => (event.type === 'events' ? event.events.map(({ kv }) => text(kv.value)) : []));
  }
}

describe('a watch whose server was cut from a leader that then dies', () => {
  it.each([1, 2, 3])('is told the one change that it missed, and what follows: seed %i', async (seed) => {
    const scene = new Scene(seed);
    const { cluster } = scene;
    await scene.first;
    cluster.until('the watch is created', () => scene.told.length > 0);
    const { leader } = scene;
    // For good: what a cut holds back comes through once it is healed.
    cluster.partition(leader, 'session-1');
    const missed = await scene.put('1');
    expect(scene.values).toEqual([]);
    cluster.kill(leader);
    const next = await scene.replace('1', '2');
    expect(next).toBeGreaterThan(missed);
    cluster.until('both are told', () => scene.values.length === 2, 20_000);
    expect(scene.values).toEqual(['1', '2']);
    expect(scene.told.some(({ type }) => type === 'ended')).toBe(false);
  });

  it.each([1, 2, 3])('ends with compacted where it missed more than one: seed %i', async (seed) => {
    const scene = new Scene(seed);
    const { cluster } = scene;
    await scene.first;
    cluster.until('the watch is created', () => scene.told.length > 0);
    const { leader } = scene;
    cluster.partition(leader, 'session-1');
    await scene.put('1');
    await scene.put('2');
    cluster.kill(leader);
    cluster.until('it ends', () => scene.told.some(({ type }) => type === 'ended'), 20_000);
    expect(scene.values).toEqual([]);
    expect(scene.told.at(-1)).toMatchObject({ type: 'ended', reason: 'compacted' });
  });
});
