import type { Cluster, SimSubscriber } from '#sim';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };

/** What was shown, as the sizes of the lists: a story's shape at a glance. */
function sizes(subscriber: SimSubscriber): number[] {
  return subscriber.shown.map(({ snapshot }) => snapshot.publishers.length);
}

function shownSince(subscriber: SimSubscriber, sinceMs: number): string[][] {
  return subscriber.shown
    .filter(({ atMs }) => atMs >= sinceMs)
    .map(({ snapshot }) => snapshot.publishers.map((each) => each.registerId));
}

function addressOf(cluster: Cluster, incarnation: string | null): string | undefined {
  return cluster.meta.state.table.members.find((member) => member.incarnation === incarnation)?.address;
}

/** A cluster with `count` publications of one service, and the last client watching them from its own connection. */
function populated(
  options: Parameters<typeof watched>[0],
  count: number,
): { cluster: Cluster; watcher: SimSubscriber } {
  const cluster = watched({ clients: 3, ...options });
  const watcher = cluster.clients.at(-1)!.subscribe(SERVICE);
  for (let i = 0; i < count; i++)
    cluster.clients[i % (cluster.clients.length - 1)]!.publish({ ...SERVICE, data: [`http://10.0.0.${i}:80`] });
  cluster.untilConverged();
  return { cluster, watcher };
}

describe('the whole path, with the real brains', () => {
  it('pushes what one client publishes to another, in order, and what it takes back', () => {
    watched({ seed: 1, clients: 2 }).story((cluster) => {
      const [publisher, watcher] = cluster.clients;
      const subscriber = watcher!.subscribe(SERVICE);
      cluster.until('the first answer says that there is nothing', () => subscriber.current()?.state === 'current');
      expect(subscriber.current()!.publishers).toEqual([]);

      const first = publisher!.publish({ ...SERVICE, data: ['http://10.0.0.1:80?weight=1'] });
      const tookMs = cluster.untilConverged();
      expect(tookMs).toBeLessThan(1_000);
      expect(subscriber.list()).toEqual(new Map([[first.registerId, ['http://10.0.0.1:80?weight=1']]]));

      const second = publisher!.publish({ ...SERVICE, data: ['http://10.0.0.2:80'] });
      cluster.untilConverged();
      first.republish(['http://10.0.0.1:80?weight=9']);
      cluster.untilConverged();
      expect(subscriber.list().get(first.registerId)).toEqual(['http://10.0.0.1:80?weight=9']);
      first.unpublish();
      cluster.untilConverged();
      expect([...subscriber.list().keys()]).toEqual([second.registerId]);
      second.unpublish();
      cluster.untilConverged();

      expect(sizes(subscriber)).toEqual([0, 1, 2, 2, 1, 0]);
      expect(first.outcomes).toEqual([
        { ok: true, stored: true },
        { ok: true, stored: true },
        { ok: true, stored: true },
      ]);
    });
  });

  it('gives a late subscriber everything at once, and keeps services and zones apart', () => {
    watched({ seed: 2, clients: 4, sessions: 2, data: 2, zones: ['east', 'west'] }).story((cluster) => {
      const [east, west, lateEast, lateWest] = cluster.clients;
      east!.publish({ ...SERVICE, data: ['http://east:80'] });
      west!.publish({ ...SERVICE, data: ['http://west:80'] });
      west!.publish({ dataId: 'other-service', data: ['http://other:80'] });
      cluster.run(1_000);
      const everywhere = lateEast!.subscribe({ ...SERVICE, scope: 'dataCenter' });
      const onlyWest = lateWest!.subscribe({ ...SERVICE, scope: 'zone' });
      cluster.untilConverged();
      expect([...everywhere.list().values()]).toEqual(expect.arrayContaining([['http://east:80'], ['http://west:80']]));
      expect([...onlyWest.list().values()]).toEqual([['http://west:80']]);
      expect(sizes(everywhere)).toEqual([2]);
    });
  });

  it('removes everything of a client that says goodbye, at once', () => {
    const { cluster, watcher } = populated({ seed: 3 }, 6);
    cluster.story(() => {
      cluster.clients[0]!.close();
      expect(cluster.untilConverged()).toBeLessThan(1_000);
      expect(watcher.list().size).toBe(3);
    });
  });

  it('keeps the publications of a killed client for the grace, and then removes them', () => {
    const { cluster, watcher } = populated({ seed: 4 }, 6);
    cluster.story(() => {
      cluster.kill('client-1');
      cluster.run(2_000);
      expect(watcher.list().size).toBe(6);
      expect(cluster.untilConverged()).toBeLessThan(2_000);
      expect(watcher.list().size).toBe(3);
    });
  });

  it('shows nobody anything when a client loses its connection and comes back', () => {
    const { cluster, watcher } = populated({ seed: 5, sessions: 2 }, 6);
    cluster.story(() => {
      const sinceMs = cluster.nowMs;
      const { host } = cluster.clients[0]!.connectedTo()!;
      expect(cluster.world.network.resetOne({ a: 'client-1', b: host })).toBe(true);
      cluster.run(15_000);
      cluster.untilConverged();
      for (const list of shownSince(watcher, sinceMs)) expect(list).toHaveLength(6);
    });
  });

  it.each([11, 12, 13, 14])(
    'shrinks no list when the one data server is killed and started again (seed %i)',
    (seed) => {
      const { cluster, watcher } = populated({ seed }, 8);
      cluster.story(() => {
        const sinceMs = cluster.nowMs;
        cluster.kill('data-1');
        cluster.run(2_000);
        cluster.restart('data-1');
        const added = cluster.clients[0]!.publish({ ...SERVICE, data: ['http://10.0.0.99:80'] });
        cluster.until('the publication made meanwhile is shown', () => watcher.list().has(added.registerId), 15_000);
        cluster.run(20_000);
        cluster.untilConverged();
        for (const list of shownSince(watcher, sinceMs)) expect(list.length).toBeGreaterThanOrEqual(8);
      });
    },
  );

  it.each([15, 16, 17, 18])(
    'serves on, also from servers that are restarted, while meta is away, and moves nothing when it returns (seed %i)',
    (seed) => {
      const { cluster, watcher } = populated({ seed, data: 2, sessions: 2, slotCount: 8 }, 8);
      cluster.story(() => {
        const leading = (): (string | undefined)[] =>
          cluster.meta.state.table.slots.map(({ leader }) => addressOf(cluster, leader));
        cluster.until('both data servers lead', () => new Set(leading()).size === 2);
        // By then they lead what they are to lead.
        cluster.run(2_000);
        const leaders = leading();
        const sinceMs = cluster.nowMs;
        cluster.kill('meta-1');
        cluster.run(4_000);
        cluster.restart('data-1');
        const first = cluster.clients[0]!.publish({ ...SERVICE, data: ['http://10.0.0.91:80'] });
        cluster.until('what is published is shown', () => watcher.list().has(first.registerId), 5_000);
        cluster.restart('session-1');
        cluster.restart('data-2');
        const second = cluster.clients[1]!.publish({ ...SERVICE, data: ['http://10.0.0.92:80'] });
        cluster.until('what is published is shown', () => watcher.list().has(second.registerId), 8_000);
        cluster.run(60_000);
        const third = cluster.clients[0]!.publish({ ...SERVICE, data: ['http://10.0.0.93:80'] });
        cluster.until('what is published is shown', () => watcher.list().has(third.registerId), 1_000);

        cluster.restart('meta-1');
        cluster.run(20_000);
        cluster.untilConverged();
        expect(watcher.list().size).toBe(11);
        for (const list of shownSince(watcher, sinceMs)) expect(list.length).toBeGreaterThanOrEqual(8);
        expect(leading()).toEqual(leaders);
      });
    },
  );

  it.each([21, 22, 23, 24])(
    'shrinks no list when a session server is killed and its clients go elsewhere (seed %i)',
    (seed) => {
      const { cluster, watcher } = populated({ seed, sessions: 3, clients: 6 }, 10);
      cluster.story(() => {
        const victim = cluster.clients[0]!.connectedTo()!.host;
        const sinceMs = cluster.nowMs;
        cluster.kill(victim);
        cluster.until('its clients are connected elsewhere', () => {
          const at = cluster.clients.map((client) => client.connectedTo()?.host);
          return at.every((host) => host !== undefined && host !== victim);
        });
        cluster.run(30_000);
        cluster.untilConverged();
        for (const list of shownSince(watcher, sinceMs)) expect(list).toHaveLength(10);
      });
    },
  );

  it('publishes and pushes while meta is down, and when servers come back before it', () => {
    const { cluster, watcher } = populated({ seed: 31, sessions: 2 }, 4);
    cluster.story(() => {
      cluster.kill('meta-1');
      cluster.run(5_000);
      const added = cluster.clients[1]!.publish({ ...SERVICE, data: ['http://10.0.0.50:80'] });
      expect(cluster.untilConverged()).toBeLessThan(1_000);
      expect(added.outcomes).toEqual([{ ok: true, stored: true }]);
      cluster.restart('meta-1');
      cluster.run(15_000);
      cluster.untilConverged();
      expect(watcher.list().size).toBe(5);
    });
  });

  it('works whatever tier starts last', () => {
    for (const [seed, late] of (['meta-1', 'data-1', 'session-1'] as const).entries()) {
      watched({ seed, clients: 2 }).story((cluster) => {
        cluster.run(100);
        cluster.kill(late);
        const watcher = cluster.clients[0]!.subscribe(SERVICE);
        const publisher = cluster.clients[1]!.publish({ ...SERVICE, data: ['http://10.0.0.1:80'] });
        cluster.run(7_000);
        cluster.restart(late);
        cluster.untilConverged(20_000);
        expect([...watcher.list().keys()]).toEqual([publisher.registerId]);
      });
    }
  });

  it('shares the slots among the data servers, through a death and a join', () => {
    const { cluster, watcher } = populated({ seed: 41, data: 2, sessions: 2, clients: 5 }, 6);
    cluster.story(() => {
      const leaders = (): Set<string | null> => new Set(cluster.meta.state.table.slots.map((slot) => slot.leader));
      const ids = (): string[] => cluster.data.filter((host) => !host.dead).map((host) => host.incarnation);
      const others = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((dataId) => {
        cluster.clients[0]!.publish({ dataId, data: [`http://${dataId}:80`] });
        return cluster.clients[4]!.subscribe({ dataId });
      });
      cluster.untilConverged();
      expect(leaders()).toEqual(new Set(ids()));

      cluster.kill('data-1');
      cluster.until('the survivor leads every slot', () => leaders().size === 1 && leaders().has(ids()[0]!), 15_000);
      cluster.run(15_000);
      cluster.untilConverged();

      cluster.addData();
      cluster.until('the newcomer leads some', () => leaders().size === 2, 15_000);
      cluster.run(15_000);
      cluster.untilConverged();
      expect(leaders()).toEqual(new Set(ids()));
      expect(watcher.list().size).toBe(6);
      for (const other of others) expect(sizes(other).slice(-1)).toEqual([1]);
    });
  });

  it('outlives a data server whose machine vanishes without a word', () => {
    const { cluster, watcher } = populated({ seed: 51, data: 2, sessions: 2 }, 6);
    cluster.story(() => {
      const sinceMs = cluster.nowMs;
      for (const host of cluster.data) if (host.name === 'data-1') cluster.kill(host.name, 'vanish');
      const added = cluster.clients[0]!.publish({ ...SERVICE, data: ['http://10.0.0.99:80'] });
      cluster.until('the publication made meanwhile is shown', () => watcher.list().has(added.registerId), 20_000);
      cluster.run(20_000);
      cluster.untilConverged();
      for (const list of shownSince(watcher, sinceMs)) expect(list.length).toBeGreaterThanOrEqual(6);
    });
  });

  it('gives the same transcript for the same seed, and another for another', () => {
    const hashOf = (seed: number): string => {
      const { cluster } = populated({ seed, data: 2, sessions: 2 }, 5);
      cluster.kill('data-2');
      cluster.run(5_000);
      cluster.restart('data-2');
      cluster.run(10_000);
      return cluster.world.transcript.hash();
    };
    expect(hashOf(61)).toBe(hashOf(61));
    expect(hashOf(61)).not.toBe(hashOf(62));
  });
});
