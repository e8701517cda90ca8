import type { Cluster } from '#sim';
import { LEASE_MS, standsStill } from './stories.js';
import { watched } from './watched.js';

function leaders(cluster: Cluster): Set<string | null> {
  return new Set(cluster.meta.state.table.slots.map(({ leader }) => leader));
}

/** Two data servers, two session servers, all of whose members are known to each other. */
function calm(seed: number): Cluster {
  const cluster = watched({ seed, data: 2, sessions: 2, clients: 3 });
  cluster.clients[0]!.subscribe({ dataId: 'user' });
  cluster.clients[1]!.publish({ dataId: 'user', data: ['http://10.0.0.1:80'] });
  cluster.untilConverged();
  cluster.run(2_000);
  expect(leaders(cluster)).toEqual(new Set(cluster.data.map(({ incarnation }) => incarnation)));
  return cluster;
}

describe('suspicion, with the real brains', () => {
  it.each([1, 2, 3, 4])('takes a killed data server for dead at once (seed %i)', (seed) => {
    const cluster = calm(seed);
    cluster.story(() => {
      const survivor = cluster.data[1]!.incarnation;
      cluster.kill('data-1');
      const tookMs = cluster.until(
        'the other leads every slot',
        () => !leaders(cluster).has(cluster.data[0]!.incarnation),
      );
      expect(tookMs).toBeLessThan(LEASE_MS / 10);
      expect(leaders(cluster)).toEqual(new Set([survivor]));
      cluster.untilConverged(LEASE_MS);
    });
  });

  it.each([1, 2, 3, 4])('expires nobody who only stands still, however many report it (seed %i)', (seed) => {
    const cluster = calm(seed);
    cluster.story(() => {
      const { epoch } = cluster.meta.state.table;
      standsStill(cluster, 'data-1');
      expect(cluster.meta.state.table).toMatchObject({ epoch, departed: [] });
      cluster.untilConverged();
    });
  });

  it('waits for the lease of a data server whose machine has vanished', () => {
    const cluster = calm(5);
    cluster.story(() => {
      cluster.kill('data-1', 'vanish');
      cluster.run(LEASE_MS - 600);
      expect(cluster.meta.state.table.departed).toEqual([]);
      cluster.until('its lease has ended', () => cluster.meta.state.table.departed.length === 1);
      expect(cluster.meta.state.table.departed[0]!.cause).toBe('expired');
    });
  });
});
