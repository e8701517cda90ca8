import type { ClientRequests, Push } from '#model';
import type { ClientMessage, Cluster, Observer, ServerMessage, SimSubscriber } from '#sim';
import { losingDeltas } from './defects/behaviour.js';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
const INSTANCES = 30;

type Told = Record<Push['type'] | 'refused', number>;

/** Counts what is pushed to clients, and what they refuse; and keeps what each was pushed last. */
function pushesOf(told: Told, last: Map<string, Push['type']>): Observer {
  return {
    transit: ({ to, message }) => {
      const item = message as ServerMessage;
      if (item.type === 'push') {
        told[item.push.type]++;
        last.set(to, item.push.type);
      }
      const { pattern, payload } = message as ClientMessage;
      if (pattern === 'registry.ack' && (payload as ClientRequests['registry.ack']['request']).refused) told.refused++;
    },
  };
}

interface Populated {
  cluster: Cluster;
  watchers: SimSubscriber[];
  told: Told;
  last: Map<string, Push['type']>;
}

/** Three clients that take deltas watch what a fourth publishes. */
function populated(options: Partial<Parameters<typeof watched>[0]> = {}): Populated {
  const told: Told = { snapshot: 0, delta: 0, partial: 0, unchanged: 0, pending: 0, refused: 0 };
  const last = new Map<string, Push['type']>();
  const cluster = watched({
    ...{ seed: 1, sessions: 2, data: 2, clients: 4, observers: [() => pushesOf(told, last)] },
    ...options,
  });
  const [one, two, three, owner] = cluster.clients;
  for (let i = 0; i < INSTANCES; i++) owner!.publish({ ...SERVICE, data: [`http://10.0.0.${i}:80`] });
  cluster.run(1_000);
  const watchers = [one!, two!, three!].map((client) => client.subscribe(SERVICE));
  cluster.untilConverged();
  return { cluster, watchers, told, last };
}

function since(told: Told): () => Partial<Told> {
  const before = { ...told };
  return () =>
    Object.fromEntries(
      Object.entries(told).flatMap(([type, count]) => {
        const more = count - before[type as keyof Told];
        return more > 0 ? [[type, more]] : [];
      }),
    );
}

describe('deltas, with the real brains', () => {
  it('are all that calm subscribers are sent after their first list', () => {
    const { cluster, told } = populated();
    cluster.story(() => {
      expect(told).toMatchObject({ snapshot: 3, delta: 0, refused: 0 });
      const { publishers } = cluster.clients[3]!;
      for (let round = 0; round < 10; round++) {
        publishers[round]!.republish([`http://10.0.1.${round}:80`]);
        publishers[20 + round]!.unpublish();
        cluster.untilConverged(1_000);
      }
      expect(told).toMatchObject({ snapshot: 3, partial: 0, refused: 0 });
      expect(told.delta).toBeGreaterThanOrEqual(30);
    });
  });

  it.each([1, 2, 3])('bring on those whose session server is killed, and no whole list is sent (seed %i)', (seed) => {
    const { cluster, watchers, told } = populated({ seed, clients: 4 });
    cluster.story(() => {
      cluster.run(2_000);
      const [owner] = cluster.clients.slice(3);
      const killed = cluster.sessions.find(
        ({ name }) =>
          owner!.connectedTo()!.host !== name && watchers.some((each) => each.client.connectedTo()!.host === name),
      );
      if (!killed) return;
      const more = since(told);
      killed.crash();
      owner!.publishers[0]!.republish(['http://10.0.2.1:80']);
      cluster.untilConverged();
      cluster.run(5_000);
      owner!.publishers[1]!.republish(['http://10.0.2.2:80']);
      cluster.untilConverged();
      expect(more()).not.toHaveProperty('snapshot');
      expect(more()).not.toHaveProperty('refused');
      expect(more().delta).toBeGreaterThanOrEqual(watchers.length);
    });
  });

  it('bring on those who stood still until their connection was given up', () => {
    const { cluster, watchers, last } = populated();
    cluster.story(() => {
      const { name } = watchers[0]!.client;
      cluster.pause(name, 20_000);
      const { publishers } = cluster.clients[3]!;
      for (const publisher of publishers.slice(0, 5)) {
        publisher.republish(['http://10.0.3.1:80']);
        cluster.run(3_000);
      }
      // What it was sent meanwhile was repeated as a whole, since it did not acknowledge it.
      expect(last.get(name)).toBe('snapshot');
      cluster.untilConverged(20_000);
      expect(last.get(name)).toBe('delta');
    });
  });

  it('that a client has lost are found by the next, which is refused, and made good by a whole list', () => {
    const { cluster, told } = populated({ cores: { client: losingDeltas() } });
    cluster.story(() => {
      const { publishers } = cluster.clients[3]!;
      for (let round = 0; round < 12; round++) {
        publishers[round]!.republish([`http://10.0.1.${round}:80`]);
        cluster.run(500);
      }
      expect(told.refused).toBeGreaterThan(0);
      expect(told.snapshot).toBeGreaterThanOrEqual(3 + told.refused);
      // Another change or two, until nobody's last delta was one that was lost.
      for (let round = 0; cluster.divergence() !== undefined && round < 3; round++) {
        publishers[0]!.republish([`http://10.0.4.${round}:80`]);
        cluster.run(500);
      }
      expect(cluster.divergence()).toBeUndefined();
    });
  });
});
