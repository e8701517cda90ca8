import { SESSION_LIMITS } from '#registry';
import type { SimSubscriber } from '#sim';
import { untilConverged } from './invariants/convergence.js';
import { watched } from './watched.js';

const CLIENTS = 2_000;
const SERVICES = 200;
const serviceOf = (client: number): { dataId: string } => ({ dataId: `service-${client % SERVICES}` });

function fewest(subscribers: SimSubscriber[], sinceMs: number): number {
  const shown = subscribers.flatMap((subscriber) => subscriber.shown.filter(({ atMs }) => atMs >= sinceMs));
  return Math.min(...shown.map(({ snapshot }) => snapshot.publishers.length));
}

describe('thousands of clients, with the real brains', () => {
  it(`shrinks no list of ${CLIENTS} clients through deaths of every tier`, () => {
    const cluster = watched({ seed: 1, metas: 3, data: 3, sessions: 4, clients: CLIENTS, slotCount: 16 });
    cluster.story(() => {
      for (const [i, client] of cluster.clients.entries())
        client.publish({ ...serviceOf(i), data: [`http://${client.name}:80`] });
      const subscribers = cluster.clients.map((client, i) => client.subscribe(serviceOf(i * 7)));
      untilConverged(cluster, 30_000);
      const sinceMs = cluster.nowMs;
      const whole = CLIENTS / SERVICES;
      expect(Math.min(...subscribers.map((subscriber) => subscriber.list().size))).toBe(whole);

      cluster.kill('data-1');
      cluster.kill(cluster.metaLeader!.name);
      cluster.run(3_000);
      cluster.kill('session-1');
      cluster.run(8_000);
      for (const name of ['data-1', 'session-1', 'meta-1', 'meta-2', 'meta-3'])
        if (cluster.servers.find((server) => server.name === name)!.dead) cluster.restart(name);
      cluster.run(12_000);
      untilConverged(cluster, 10_000);
      expect(fewest(subscribers, sinceMs)).toBeGreaterThanOrEqual(whole);

      // Half of them end without a word, and one in twenty says something new.
      for (const [i, client] of cluster.clients.entries())
        if (i % 2 === 1) client.crash();
        else if (i % 20 === 0) client.publishers[0]!.republish([`http://${client.name}:81`]);
      // So many at once that they are awaited for longer than one alone.
      cluster.run(SESSION_LIMITS.massGraceMs);
      untilConverged(cluster, 10_000);
      const left = cluster.subscribers.map((subscriber) => subscriber.list().size);
      expect(left).toHaveLength(CLIENTS / 2);
    });
  });
});
