import type { Cluster } from '#sim';
import { untilConverged } from './invariants/convergence.js';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };

/** Two publish, a third watches; what it was shown is on its disk. */
function populated(seed: number): Cluster {
  const cluster = watched({ seed, sessions: 2, data: 2, clients: 3 });
  for (const [i, client] of cluster.clients.slice(0, 2).entries())
    client.publish({ ...SERVICE, data: [`http://10.0.0.${i}:80`] });
  cluster.clients[2]!.subscribe(SERVICE);
  cluster.untilConverged();
  cluster.run(3_000);
  return cluster;
}

describe('a client that starts where it was before', () => {
  it.each([1, 2, 3])(
    'has the last known list with every server down, and the true one when they are back (seed %i)',
    (seed) => {
      const cluster = populated(seed);
      cluster.story(() => {
        const former = cluster.clients[2]!;
        const known = former.subscribers[0]!.list();
        expect(known.size).toBe(2);
        former.crash();
        for (const server of cluster.servers) cluster.kill(server.name);
        const client = cluster.addClient(former.disk);
        const subscriber = client.subscribe({ ...SERVICE, zone: former.zone });
        cluster.run(20_000);
        expect(subscriber.shown).toHaveLength(1);
        expect(subscriber.current()).toMatchObject({ state: 'pending', stale: true });
        expect(subscriber.list()).toEqual(known);

        cluster.clients[0]!.publishers[0]!.republish(['http://10.0.1.1:80']);
        cluster.kill('client-2');
        for (const server of cluster.servers) cluster.restart(server.name);
        untilConverged(cluster, 30_000);
        expect(subscriber.current()).toMatchObject({ state: 'current' });
        expect(subscriber.current()!.stale).toBeUndefined();
        expect([...subscriber.list().values()]).toEqual([['http://10.0.1.1:80']]);
      });
    },
  );

  it.each([11, 12])('is told only that nothing has changed, where nothing has (seed %i)', (seed) => {
    const cluster = populated(seed);
    cluster.story(() => {
      const former = cluster.clients[2]!;
      former.crash();
      const client = cluster.addClient(former.disk);
      const subscriber = client.subscribe({ ...SERVICE, zone: former.zone });
      const first = subscriber.current()!;
      untilConverged(cluster, 5_000);
      expect(subscriber.shown.map(({ snapshot }) => [snapshot.state, snapshot.version])).toEqual([
        ['pending', first.version],
        ['current', first.version],
      ]);
    });
  });
});
