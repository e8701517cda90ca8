import type { Cluster, SimSubscriber } from '#sim';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
const STOPPED = { stopPush: { scope: 'all' as const } };
const GOING = { stopPush: { scope: 'none' as const } };

const switchesOf = (cluster: Cluster): number => cluster.meta.state.switches.version;
const untilSwitched = (cluster: Cluster, version: number): void => {
  cluster.until('it is committed', () => switchesOf(cluster) === version);
  // To the members, and through whatever the network does to the message.
  cluster.run(1_000);
};

/** Whoever is connected to this session server. */
function at(cluster: Cluster, session: string): Set<string> {
  return new Set(
    cluster.clients.filter((client) => client.connectedTo()?.host === session).map((client) => client.name),
  );
}

/** Every client publishes one instance and watches the service. */
function populated(seed: number, clients = 6): { cluster: Cluster; watchers: SimSubscriber[] } {
  const cluster = watched({ seed, sessions: 2, data: 2, clients });
  const watchers = cluster.clients.map((client) => client.subscribe(SERVICE));
  for (const [i, client] of cluster.clients.entries()) client.publish({ ...SERVICE, data: [`http://10.0.0.${i}:80`] });
  cluster.untilConverged();
  return { cluster, watchers };
}

describe('stopped pushes, with the real brains', () => {
  it.each([1, 2, 3])('reach a member that is cut off when it is back, and end everywhere (seed %i)', (seed) => {
    const { cluster, watchers } = populated(seed, 8);
    cluster.story(() => {
      const cut = at(cluster, 'session-2');
      expect(cut.size).toBeGreaterThan(0);
      expect(cut.size).toBeLessThan(watchers.length);
      cluster.partition('session-2', 'meta-1');
      cluster.switch(STOPPED);
      untilSwitched(cluster, 1);
      const shown = (): number[] => watchers.map((watcher) => watcher.shown.length);
      const before = shown();
      const publisher = cluster.clients[0]!.publishers[0]!;
      publisher.republish(['http://10.0.1.1:80']);
      cluster.run(2_000);
      // Pushed on only by the one that has not heard of it.
      for (const [i, watcher] of watchers.entries())
        expect(shown()[i]! - before[i]!).toBe(cut.has(watcher.client.name) ? 1 : 0);

      cluster.heal();
      cluster.run(10_000);
      const healed = shown();
      for (let change = 2; change <= 6; change++) {
        publisher.republish([`http://10.0.1.${change}:80`]);
        cluster.run(500);
      }
      const late = cluster.clients[0]!.subscribe({ dataId: 'another' });
      cluster.run(2_000);
      expect(shown()).toEqual(healed);
      expect(late.shown).toEqual([]);

      cluster.switch(GOING);
      expect(cluster.untilConverged()).toBeLessThan(1_000);
      cluster.run(5_000);
      // One push each, of the newest state alone.
      expect(shown()).toEqual(healed.map((count) => count + 1));
      expect(late.current()).toMatchObject({ state: 'current', publishers: [] });
    });
  });

  it('are still known to members that were restarted while meta is away', () => {
    const { cluster, watchers } = populated(11);
    cluster.story(() => {
      cluster.switch(STOPPED);
      untilSwitched(cluster, 1);
      cluster.kill('meta-1');
      for (const name of ['session-1', 'session-2', 'data-1']) cluster.restart(name);
      cluster.run(10_000);
      cluster.clients[0]!.publishers[0]!.republish(['http://10.0.1.1:80']);
      cluster.run(10_000);
      for (const watcher of watchers) {
        expect(watcher.list().get(cluster.clients[0]!.publishers[0]!.registerId)).toEqual(['http://10.0.0.0:80']);
        expect(watcher.list().size).toBe(cluster.clients.length);
      }
      cluster.restart('meta-1');
      cluster.run(10_000);
      expect(switchesOf(cluster)).toBe(1);
      cluster.switch(GOING);
      cluster.untilConverged();
    });
  });
});

describe('read-only, with the real brains', () => {
  it.each([21, 22, 23, 24, 25, 26])('freezes what is said, and loses nobody, whatever dies (seed %i)', (seed) => {
    const { cluster, watchers } = populated(seed);
    cluster.story(() => {
      cluster.switch({ readOnly: true });
      untilSwitched(cluster, 1);
      const [first, second] = cluster.clients;
      const added = first!.publish({ ...SERVICE, data: ['http://new:80'] });
      const changed = first!.publishers[0]!;
      changed.republish(['http://changed:80']);
      const removed = second!.publishers[0]!;
      removed.unpublish();
      cluster.run(3_000);
      const frozen = [...watchers[2]!.list()];
      expect(frozen).toHaveLength(cluster.clients.length);

      // Both session servers one after the other, and a leader, take everybody over new connections. The one that had
      // an unpublish waiting is not what it was: its publication goes with the connection that it came over.
      const { random } = cluster.world;
      for (const session of random() < 0.5 ? ['session-1', 'session-2'] : ['session-2', 'session-1']) {
        cluster.kill(session);
        cluster.run(1_000 + random() * 9_000);
        cluster.restart(session);
        cluster.run(random() * 5_000);
      }
      cluster.kill('data-1');
      cluster.run(random() * 5_000);
      cluster.restart('data-1');
      cluster.run(30_000);
      const kept = new Map(frozen.filter(([registerId]) => registerId !== removed.registerId));
      for (const watcher of watchers) {
        const list = watcher.list();
        list.delete(removed.registerId);
        expect(list).toEqual(kept);
      }
      expect([added, changed, removed].map(({ outcomes }) => outcomes.length)).toEqual([0, 1, 1]);

      // Who is gone is gone.
      cluster.kill('client-6');
      cluster.until('it has left', () => watchers[2]!.list().size === kept.size - 1, 15_000);

      cluster.switch({ readOnly: false });
      cluster.untilConverged(20_000);
      expect([added, changed, removed].map(({ outcomes }) => outcomes.at(-1))).toEqual([
        { ok: true, stored: true },
        { ok: true, stored: true },
        { ok: true, stored: true },
      ]);
      expect(watchers[2]!.list().get(changed.registerId)).toEqual(['http://changed:80']);
    });
  });
});
