import type { Cluster, SimSubscriber } from '#sim';
import { LEASE_MS } from './stories.js';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };

/** Every client publishes one instance; the last one watches them. All servers are members. */
function populated(seed: number, metas: 3 | 5 = 3): { cluster: Cluster; watcher: SimSubscriber } {
  const cluster = watched({
    ...{ seed, metas, data: 2, sessions: 2, clients: 5, slotCount: 8 },
    raft: { snapshotEveryEntries: 5, retainedEntries: 0 },
  });
  const watcher = cluster.clients.at(-1)!.subscribe(SERVICE);
  for (const [i, client] of cluster.clients.entries()) client.publish({ ...SERVICE, data: [`http://10.0.0.${i}:80`] });
  cluster.until('every server is a member', () => cluster.meta.state.table.members.length === 4);
  cluster.untilConverged();
  cluster.run(1_000);
  return { cluster, watcher };
}

/** What no fault of meta may change: who is a member, and who leads what. */
function standing({ meta }: Cluster): object {
  const { members, slots } = meta.state.table;
  return { members: members.map(({ incarnation }) => incarnation).toSorted(), slots };
}

/** Every publisher says something new every now and then, and is told at once that it is stored. */
function publishThrough(cluster: Cluster, ms: number): void {
  const endMs = cluster.nowMs + ms;
  for (let round = 1; cluster.nowMs < endMs; round++) {
    const { publishers } = cluster;
    for (const [i, publisher] of publishers.entries()) publisher.republish([`http://10.0.${round}.${i}:80`]);
    expect(cluster.untilConverged(1_000)).toBeLessThan(1_000);
    for (const { outcomes } of publishers) expect(outcomes.at(-1)).toEqual({ ok: true, stored: true });
    cluster.run(200);
  }
}

const leaderOf = (cluster: Cluster): string => {
  cluster.until('meta has a leader', () => cluster.metaLeader !== undefined);
  return cluster.metaLeader!.name;
};

describe('a meta group under the other tiers', () => {
  it.each([1, 2])('loses its leader again and again, and nobody notices (seed %i)', (seed) => {
    const { cluster, watcher } = populated(seed);
    cluster.story(() => {
      const before = standing(cluster);
      const shown = watcher.shown.length;
      for (let round = 0; round < 4; round++) {
        const leader = leaderOf(cluster);
        const how = (['kill', 'vanish'] as const)[round % 2]!;
        cluster.kill(leader, how);
        // Longer than a lease: whoever has not found the next leader by then is no member any more.
        publishThrough(cluster, LEASE_MS * 2);
        expect(leaderOf(cluster)).not.toBe(leader);
        cluster.restart(leader);
        publishThrough(cluster, 1_000);
      }
      expect(standing(cluster)).toEqual(before);
      for (const { snapshot } of watcher.shown.slice(shown)) expect(snapshot.publishers).toHaveLength(5);
    });
  });

  it.each([11, 12])('hands over before a planned stop: the next leads within a moment (seed %i)', (seed) => {
    const { cluster } = populated(seed);
    cluster.story(() => {
      const before = standing(cluster);
      for (let round = 0; round < 3; round++) {
        const leader = leaderOf(cluster);
        cluster.stop(leader);
        const isNext = (): boolean => cluster.metaLeader !== undefined && cluster.metaLeader.name !== leader;
        expect(cluster.until('another leads', isNext)).toBeLessThan(150);
        cluster.until('it has stopped', () => cluster.metas.some(({ dead }) => dead));
        cluster.restart(leader);
        cluster.run(3_000);
      }
      expect(standing(cluster)).toEqual(before);
    });
  });

  it.each([21, 22])('loses its majority for long, and everything else goes on as it was (seed %i)', (seed) => {
    const { cluster, watcher } = populated(seed, 5);
    cluster.story(() => {
      const before = standing(cluster);
      const shown = watcher.shown.length;
      const lost = ['meta-1', 'meta-3', 'meta-5'];
      for (const name of lost) cluster.kill(name);
      publishThrough(cluster, LEASE_MS * 5);
      for (const name of lost) cluster.restart(name);
      publishThrough(cluster, LEASE_MS * 3);
      expect(standing(cluster)).toEqual(before);
      for (const { snapshot } of watcher.shown.slice(shown)) expect(snapshot.publishers).toHaveLength(5);
    });
  });

  it.each([31, 32, 33])('expires whom the majority cannot hear, whoever the minority serves (seed %i)', (seed) => {
    const { cluster, watcher } = populated(seed);
    cluster.story(() => {
      // The leader stays together with one data server, away from everybody else.
      const old = leaderOf(cluster);
      const side = new Set([old, 'data-1']);
      for (const a of side) for (const { name } of cluster.servers) if (!side.has(name)) cluster.partition(a, name);
      cluster.until('the majority has another leader', () => cluster.metaLeader?.name !== old);
      const { incarnation } = cluster.data[1]!;
      const leads = (): boolean => cluster.meta.state.table.slots.every(({ leader }) => leader === incarnation);
      cluster.until('the data server of the majority leads every slot', leads, LEASE_MS * 3);
      expect(cluster.metas.find(({ name }) => name === old)!.raftStatus!.role).not.toBe('leader');
      publishThrough(cluster, 3_000);
      cluster.heal();
      cluster.run(10_000);
      cluster.untilConverged();
      expect(watcher.list().size).toBe(5);
      expect(new Set(cluster.meta.state.table.slots.map(({ leader }) => leader)).size).toBe(2);
    });
  });

  it.each([41, 42])('brings a server that was away back by a snapshot (seed %i)', (seed) => {
    const { cluster } = populated(seed);
    cluster.story(() => {
      const away = cluster.metas.find(({ name }) => name !== leaderOf(cluster))!;
      away.crash();
      for (let round = 0; round < 6; round++) {
        cluster.restart('data-1');
        cluster.run(1_500);
      }
      away.start();
      const isLevel = (): boolean => new Set(cluster.metas.map(({ index }) => index)).size === 1;
      cluster.until('it knows what the others know', isLevel);
      expect(away.installed).toBeGreaterThanOrEqual(1);
      expect(away.state).toEqual(cluster.meta.state);
      cluster.untilConverged();
    });
  });

  it('goes on when the disk of one of its servers fails: that one ends, and comes back', () => {
    const { cluster } = populated(51);
    cluster.story(() => {
      const before = standing(cluster);
      const leader = leaderOf(cluster);
      const { log } = cluster.metas.find(({ name }) => name === leader)!;
      log.fail();
      cluster.metaLeader!.operate({ type: 'setConfig', key: 'x', value: 'y' });
      cluster.until('the leader has ended', () => cluster.metas.some(({ name, dead }) => name === leader && dead));
      log.mend();
      cluster.run(2_000);
      publishThrough(cluster, 2_000);
      cluster.restart(leader);
      cluster.run(LEASE_MS * 2);
      expect(standing(cluster)).toEqual(before);
    });
  });
});
