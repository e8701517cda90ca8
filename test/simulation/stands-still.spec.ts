import type { Cluster } from '#sim';
import { watched } from './watched.js';

const TOPICS = Array.from({ length: 5 }, (_, i) => `service-${i}`);

/** Every client publishes under every name; half of them watch all. */
function busy(seed: number, sessions: number): Cluster {
  const cluster = watched({ seed, data: 3, sessions, clients: 6 });
  for (const [i, client] of cluster.clients.entries())
    for (const dataId of TOPICS) {
      client.publish({ dataId, data: [`http://${client.name}/${dataId}`] });
      if (i % 2 === 0) client.subscribe({ dataId });
    }
  cluster.untilConverged();
  cluster.run(5_000);
  return cluster;
}

describe('session servers that stand still for longer than their lease, with the real brains', () => {
  // Their clients may notice only when they go on: each stands still for 2.5 to 11.5 seconds, the next a while after.
  it.each([12, 16, 31, 62, 67, 82, 83, 93])('show nobody a list without their clients (seed %i)', (seed) => {
    const cluster = busy(seed, 2 + (seed % 2));
    cluster.story(() => {
      const sinceMs = cluster.nowMs;
      for (const [i, { name }] of cluster.sessions.entries()) {
        const forMs = 2_500 + ((seed * 1_777 * (i + 1)) % 9_000);
        if (i === 0 || seed % 3 > 0)
          cluster.world.at(sinceMs + ((seed * 701 * i) % 4_500), () => cluster.pause(name, forMs));
      }
      cluster.run(45_000);
      cluster.untilConverged(30_000);
      const shown = cluster.subscribers.flatMap((subscriber) => subscriber.shown);
      const since = shown.filter(({ atMs }) => atMs >= sinceMs);
      expect(since.filter(({ snapshot }) => snapshot.publishers.length < cluster.clients.length)).toEqual([]);
    });
  });
});
