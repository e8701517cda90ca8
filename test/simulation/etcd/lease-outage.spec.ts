import { leaseDataInfoId, placeOf } from '#etcd';
import { key } from '#etcd/testing';
import { slotOf } from '#sharding';
import type { Cluster } from '#sim';
import { watched } from '../watched.js';

const SLOTS = 8;
const TTL_S = 6n;
const RENEW_EVERY_MS = 2_000;
const MAX_OUTAGE_MS = 5_000;
const PATIENCE_MS = 60_000;

/** A lease that a session server has granted, and a key that is attached to it through the same one. */
class Scene {
  readonly cluster: Cluster;
  private id = 0n;
  private readonly stores;

  constructor(seed: number) {
    this.cluster = watched({ seed, data: 3, sessions: 3, clients: 0, slotCount: SLOTS });
    this.cluster.run(5_000);
    const run = (isAnswered: () => boolean): void => void this.cluster.until('an answer', isAnswered, 20_000);
    this.stores = this.cluster.sessions.map((session) => session.keyStore(run));
  }

  async begin(): Promise<void> {
    const [first] = this.stores;
    this.id = (await first!.grant({ id: 0n, ttlS: TTL_S })).id;
    await first!.put({ key: key('app/a'), value: key('1'), lease: this.id });
    this.cluster.run(2_000);
  }

  leaderOf(what: 'lease' | 'key'): string {
    const { slots } = this.cluster.meta.state.table;
    const name = what === 'lease' ? leaseDataInfoId(String(this.id)) : placeOf('app/a')!.dataInfoId;
    const { leader } = slots[slotOf(name, SLOTS)]!;
    return this.cluster.data.find(({ incarnation }) => incarnation === leader)!.name;
  }

  /** How long it takes until somebody else has renewed the lease. */
  async outageMs(): Promise<number> {
    const startMs = this.cluster.nowMs;
    for (;;) {
      const ttlS = await this.stores[1]!.keepAlive(this.id).then(
        (answer) => answer.ttlS,
        () => undefined,
      );
      if (ttlS === 0n) throw new Error('The lease is gone.');
      if (ttlS !== undefined) return this.cluster.nowMs - startMs;
      this.cluster.run(50);
    }
  }

  async isThere(): Promise<boolean> {
    return (await this.stores[1]!.range({ key: key('app/a') })).count === 1n;
  }

  /** For long; @returns how often it was renewed for less than its length, as one that has ended is */
  async renewOn(): Promise<number> {
    let failures = 0;
    for (let ms = 0; ms < PATIENCE_MS; ms += RENEW_EVERY_MS) {
      this.cluster.run(RENEW_EVERY_MS);
      if ((await this.stores[1]!.keepAlive(this.id)).ttlS < TTL_S) failures++;
    }
    return failures;
  }
}

describe('a lease whose session server dies', () => {
  it.each([1, 2, 3])('is renewed through another before long, together with its leader: seed %i', async (seed) => {
    const scene = new Scene(seed);
    await scene.begin();
    scene.cluster.kill(scene.leaderOf('lease'));
    scene.cluster.kill('session-1');
    expect(await scene.outageMs()).toBeLessThan(MAX_OUTAGE_MS);
    expect(await scene.renewOn()).toBe(0);
    expect(await scene.isThere()).toBe(true);
  });

  it.each([1, 2, 3])('is looked after by whoever renews it, while others are away for long: seed %i', async (seed) => {
    const scene = new Scene(seed);
    await scene.begin();
    scene.cluster.kill(scene.leaderOf('lease'));
    scene.cluster.kill('session-1');
    for (const { name } of scene.cluster.data) scene.cluster.partition('session-3', name);
    expect(await scene.outageMs()).toBeLessThan(MAX_OUTAGE_MS);
    expect(await scene.renewOn()).toBe(0);
    expect(await scene.isThere()).toBe(true);
  });
});
