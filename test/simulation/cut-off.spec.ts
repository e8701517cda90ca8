import { SessionCore } from '#registry';
import type { Cluster, ClusterOptions } from '#sim';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
/** Longer than a server waits for a silent client and for one that may come back. */
const CUT_MS = 20_000;
const MASS_GRACE_MS = 20_000;

/** As if there were hundreds of clients. */
const session: NonNullable<NonNullable<ClusterOptions['cores']>['session']> = (options) =>
  new SessionCore({ ...options, limits: { ...options.limits, lossesMany: 0, massGraceMs: MASS_GRACE_MS } });

/** All publish and watch the same; the first is never cut off. */
function crowd(seed: number): Cluster {
  const cluster = watched({ seed, data: 2, sessions: 2, clients: 7, cores: { session } });
  for (const client of cluster.clients) {
    client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
    client.subscribe(SERVICE);
  }
  cluster.untilConverged();
  cluster.run(3_000);
  return cluster;
}

describe('most clients at once', () => {
  it.each([1, 2, 3])('who are cut off from all session servers for some time leave no list (seed %i)', (seed) => {
    const cluster = crowd(seed);
    cluster.story(() => {
      const sinceMs = cluster.nowMs;
      for (const client of cluster.clients.slice(1))
        for (const { name } of cluster.sessions) cluster.partition(client.name, name, CUT_MS);
      cluster.run(CUT_MS + 15_000);
      cluster.untilConverged();
      const shown = cluster.subscribers.flatMap((subscriber) => subscriber.shown).filter(({ atMs }) => atMs >= sinceMs);
      expect(shown.filter(({ snapshot }) => snapshot.publishers.length < cluster.clients.length)).toEqual([]);
      cluster.run(MASS_GRACE_MS);
      cluster.untilConverged();
    });
  });

  it.each([1, 2, 3])('who die leave all lists in the end (seed %i)', (seed) => {
    const cluster = crowd(seed);
    cluster.story(() => {
      const [watcher] = cluster.clients[0]!.subscribers;
      for (const client of cluster.clients.slice(1)) client.crash('kill');
      cluster.run(MASS_GRACE_MS - 1_000);
      expect(watcher!.shown.at(-1)!.snapshot.publishers).toHaveLength(7);
      cluster.run(2_000);
      expect(watcher!.shown.at(-1)!.snapshot.publishers).toHaveLength(1);
    });
  });
});
