import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, toDataInfoId } from '#model';
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

/** Once it is committed: what is expected of the cluster goes by that. */
function switchTo(cluster: Cluster, changes: Parameters<Cluster['switch']>[0]): void {
  const version = switchesOf(cluster);
  cluster.switch(changes);
  cluster.until('it is committed', () => switchesOf(cluster) > version);
}

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

describe('clients that are switched off, with the real brains', () => {
  it.each([41, 42, 43, 44, 45, 46])(
    'are in nobody’s view, wherever they go and whatever dies, and come back when they are switched on (seed %i)',
    (seed) => {
      const { cluster, watchers } = populated(seed);
      cluster.story(() => {
        const { random } = cluster.world;
        const ids = (): string[][] => watchers.map((watcher) => [...watcher.list().keys()].toSorted());
        const of = (name: string): string[] =>
          cluster.clients.find((client) => client.name === name)!.publishers.map(({ registerId }) => registerId);
        const all = ids();
        const rest = all.map((list) => list.filter((id) => ![...of('client-1'), ...of('client-2')].includes(id)));
        switchTo(cluster, { clientsOff: ['client-1', 'client-2'] });
        expect(cluster.until('they are gone', () => ids().join() === rest.join())).toBeLessThan(1_000);
        // They notice nothing, and publish on.
        const [first] = cluster.clients[0]!.publishers;
        first!.republish(['http://changed:80']);
        cluster.clients[1]!.publish({ ...SERVICE, data: ['http://another:80'] });
        cluster.run(2_000);
        expect(first!.outcomes.at(-1)).toEqual({ ok: true, stored: true });

        // Every server once: another session server, another incarnation, another leader, another leader of meta.
        const shown = watchers.map((watcher) => watcher.shown.length);
        for (const name of ['session-1', 'data-1', 'session-2', 'meta-1', 'data-2'].toSorted(() => random() - 0.5)) {
          cluster.restart(name);
          cluster.run(3_000 + random() * 8_000);
        }
        cluster.run(20_000);
        for (const [i, watcher] of watchers.entries()) {
          const later = watcher.shown.slice(shown[i]).flatMap(({ snapshot }) => snapshot.publishers);
          expect(later.filter(({ registerId }) => !rest[i]!.includes(registerId))).toEqual([]);
        }
        expect(ids()).toEqual(rest);

        switchTo(cluster, { clientsOff: ['client-2'] });
        expect(cluster.untilConverged()).toBeLessThan(1_000);
        expect(watchers[2]!.list().get(first!.registerId)).toEqual(['http://changed:80']);
        switchTo(cluster, { clientsOff: [] });
        expect(cluster.untilConverged()).toBeLessThan(1_000);
        expect(watchers[2]!.list().size).toBe(cluster.clients.length + 1);
      });
    },
  );

  it('are switched off also for a session server that hears of it late', () => {
    const { cluster, watchers } = populated(51);
    cluster.story(() => {
      const session = cluster.clients[0]!.connectedTo()!.host;
      cluster.partition(session, 'meta-1');
      switchTo(cluster, { clientsOff: ['client-1'] });
      untilSwitched(cluster, 1);
      expect(watchers[3]!.list().size).toBe(cluster.clients.length);
      cluster.heal();
      cluster.until('it has heard', () => watchers[3]!.list().size === cluster.clients.length - 1);
      cluster.untilConverged();
    });
  });

  it('leave as ever, and bring nobody back who has left', () => {
    const { cluster, watchers } = populated(52);
    cluster.story(() => {
      switchTo(cluster, { clientsOff: ['client-1', 'client-2', 'client-3'] });
      untilSwitched(cluster, 1);
      cluster.clients[0]!.publishers[0]!.unpublish();
      cluster.clients[1]!.close();
      cluster.kill('client-3');
      cluster.run(20_000);
      switchTo(cluster, { clientsOff: [] });
      for (const ms of [2_000, 20_000]) {
        cluster.run(ms);
        expect(cluster.divergence()).toBeUndefined();
        expect(watchers[4]!.list().size).toBe(cluster.clients.length - 3);
      }
    });
  });
});

describe('names that are switched off, with the real brains', () => {
  const dataInfoId = toDataInfoId({ ...SERVICE, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });

  it.each([61, 62, 63, 64, 65, 66])(
    'are in nobody’s view, whatever dies, and come back when they are switched on (seed %i)',
    (seed) => {
      const { cluster, watchers } = populated(seed);
      cluster.story(() => {
        const { random } = cluster.world;
        const [first] = cluster.clients[0]!.publishers;
        const { registerId } = first!;
        const lists = (): string[] =>
          watchers.map((watcher) => `${watcher.list().size} ${watcher.list().has(registerId)}`);
        const everywhere = (line: string): boolean => lists().every((each) => each === line);
        switchTo(cluster, { publicationsOff: [{ dataInfoId, registerId }] });
        expect(cluster.until('it is gone', () => everywhere(`${watchers.length - 1} false`))).toBeLessThan(1_000);
        first!.republish(['http://changed:80']);
        cluster.run(1_000);
        const shown = watchers.map((watcher) => watcher.shown.length);
        for (const name of ['session-1', 'data-1', 'session-2', 'meta-1', 'data-2'].toSorted(() => random() - 0.5)) {
          cluster.restart(name);
          cluster.run(3_000 + random() * 8_000);
        }
        cluster.run(20_000);
        for (const [i, watcher] of watchers.entries()) {
          const later = watcher.shown.slice(shown[i]).flatMap(({ snapshot }) => snapshot.publishers);
          expect(later.filter((publisher) => publisher.registerId === registerId)).toEqual([]);
        }

        switchTo(cluster, { publicationsOff: [], blacklist: [SERVICE.dataId] });
        expect(cluster.until('all are gone', () => everywhere('0 false'))).toBeLessThan(1_000);
        // Views go by what data servers know; session servers may hear of it a moment later.
        cluster.run(1_000);
        const refused = cluster.clients[1]!.publish({ ...SERVICE, data: ['http://new:80'] });
        refused.data = undefined;
        cluster.run(1_000);
        expect(refused.outcomes).toEqual([{ ok: false, failure: expect.objectContaining({ code: 'BLACKLISTED' }) }]);
        // Whoever comes back over another connection keeps what it had.
        for (const name of ['session-2', 'session-1']) {
          cluster.restart(name);
          cluster.run(10_000);
        }
        cluster.untilConverged();
        switchTo(cluster, { blacklist: [] });
        expect(cluster.untilConverged()).toBeLessThan(1_000);
        expect(watchers[2]!.list().size).toBe(watchers.length);
        expect(watchers[2]!.list().get(registerId)).toEqual(['http://changed:80']);
      });
    },
  );
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
