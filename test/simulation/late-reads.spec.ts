import type { SessionCore } from '#registry';
import type { Cluster } from '#sim';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
/** Longer than the grace of a lost connection, shorter than a client waits for its welcome. */
const LATE_MS = 4_500;

/** Clients of one server, each of which publishes and watches the same. */
function crowd(): Cluster {
  const cluster = watched({ seed: 5, data: 2, sessions: 1, clients: 6 });
  for (const client of cluster.clients) {
    client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
    client.subscribe(SERVICE);
  }
  cluster.untilConverged();
  cluster.run(3_000);
  return cluster;
}

function shrunkenSince(cluster: Cluster, sinceMs: number): unknown[] {
  const shown = cluster.subscribers.flatMap((subscriber) => subscriber.shown);
  return shown.filter(({ atMs, snapshot }) => atMs >= sinceMs && snapshot.publishers.length < cluster.clients.length);
}

describe('a session server that reads its clients late, since more comes than it works off', () => {
  it('takes away nothing of those who have come back and wait to be read', () => {
    const cluster = crowd();
    cluster.story(() => {
      const [session] = cluster.sessions;
      const sinceMs = cluster.nowMs;
      for (const { name } of cluster.clients) cluster.world.network.resetOne({ a: name, b: session!.name });
      cluster.run(300);
      session!.readLate(LATE_MS);
      cluster.run(LATE_MS + 10_000);
      cluster.untilConverged();
      expect(shrunkenSince(cluster, sinceMs)).toEqual([]);
    });
  });

  it('closes no connection for a silence that is its own', () => {
    const cluster = crowd();
    cluster.story(() => {
      const [session] = cluster.sessions;
      // Longer than a silent client is kept.
      for (const client of cluster.clients) client.pause();
      session!.readLate(12_000);
      cluster.run(11_000);
      expect((session!.core as SessionCore).counts.connections).toBe(cluster.clients.length);
      for (const client of cluster.clients) client.resume();
      cluster.untilConverged(30_000);
    });
  });

  it('takes away in the end what a client has published that does not come back', () => {
    const cluster = crowd();
    cluster.story(() => {
      const [session] = cluster.sessions;
      session!.readLate(20_000);
      cluster.clients[0]!.crash('kill');
      cluster.run(18_000);
      const [, other] = cluster.clients;
      expect(other!.subscribers[0]!.list().size).toBe(cluster.clients.length);
      cluster.run(12_000);
      expect(other!.subscribers[0]!.list().size).toBe(cluster.clients.length - 1);
    });
  });
});
