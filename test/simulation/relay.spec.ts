import type { LogEffect } from '#model';
import type { Cluster, Observer } from '#sim';
import { watched } from './watched.js';

const DATA_IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

describe('a session server that cannot reach a leader, with the real brains', () => {
  /** By way of which addresses it went. */
  let relays: string[];
  /** Messages that were passed on. */
  let passedOn: number;
  let cluster: Cluster;

  /** Services in all slots, published and watched over every session server. */
  function populated(seed: number, data = 2): void {
    relays = [];
    passedOn = 0;
    const counting = (): Observer => ({
      effect: (_, effect) => {
        const { type, event, fields } = effect as LogEffect;
        if (type === 'log' && event === 'leader-out-of-reach') relays.push(String(fields?.['via']));
      },
      transit: ({ message }) => {
        if ((message as { kind?: string }).kind === 'relay') passedOn++;
      },
    });
    cluster = watched({ seed, data, sessions: 2, clients: 4, observers: [counting] });
    for (const dataId of DATA_IDS)
      for (const client of cluster.clients) {
        client.publish({ dataId, data: [`http://${client.name}:80/${dataId}`] });
        client.subscribe({ dataId });
      }
    cluster.untilConverged();
    cluster.run(3_000);
  }

  const incarnations = (): string[] => cluster.servers.map(({ incarnation }) => incarnation);

  /** Everybody publishes something else, which everybody is to see. */
  const change = (text: string): void => {
    for (const client of cluster.clients)
      for (const publisher of client.publishers) publisher.republish([`http://${client.name}:80/${text}`]);
  };

  const changesReachAll = (): void => {
    for (const text of ['one', 'two', 'three']) {
      change(text);
      cluster.untilConverged(1_000);
      cluster.run(5_000);
    }
  };

  const untilRelayed = (): void => void cluster.until('it goes another way', () => relays.length > 0, 6_000);

  it.each([1, 2, 3, 4, 5, 6])('goes by way of a follower, and straight again once it can (seed %i)', (seed) => {
    populated(seed);
    cluster.story(() => {
      const before = incarnations();
      const { slots } = cluster.meta.state.table;
      cluster.partition('session-1', 'data-1');
      untilRelayed();
      changesReachAll();
      cluster.heal();
      cluster.run(5_000);
      passedOn = 0;
      changesReachAll();
      expect(passedOn).toBe(0);
      expect(relays).toEqual(['data-2:9620']);
      expect(incarnations()).toEqual(before);
      expect(cluster.meta.state.table.slots).toEqual(slots);
    });
  });

  it.each([1, 2, 3, 4, 5, 6])('goes by way of another follower when that one dies (seed %i)', (seed) => {
    populated(seed, 3);
    cluster.story(() => {
      cluster.partition('session-1', 'data-1');
      untilRelayed();
      const [first] = relays;
      const name = first!.split(':')[0]!;
      cluster.run(2_000);
      cluster.kill(name);
      cluster.until('it goes yet another way', () => relays.some((via) => via !== first), 10_000);
      changesReachAll();
      cluster.restart(name);
      cluster.heal();
      cluster.run(10_000);
      changesReachAll();
      expect(cluster.sessions.map(({ lives }) => lives)).toEqual([1, 1]);
    });
  });

  it.each([1, 2, 3])('goes on as another where no follower can reach the leader either (seed %i)', (seed) => {
    populated(seed);
    cluster.story(() => {
      const [session] = cluster.sessions;
      const { incarnation } = session!;
      cluster.partition('session-1', 'data-1');
      cluster.partition('data-2', 'data-1');
      cluster.until('it begins anew', () => session!.incarnation !== incarnation, 30_000);
      cluster.heal();
      cluster.untilConverged();
      changesReachAll();
      expect(cluster.data.map(({ lives }) => lives)).toEqual([1, 1]);
    });
  });

  it.each([1, 2, 3])('sends nothing more by way of a follower to a leader that is dead (seed %i)', (seed) => {
    populated(seed);
    cluster.story(() => {
      // The table goes on naming it, since there is nobody to change that.
      cluster.kill('meta-1');
      cluster.kill('data-1');
      cluster.run(15_000);
      expect(relays).toEqual([]);
      expect(passedOn).toBe(0);
      cluster.restart('meta-1');
      cluster.restart('data-1');
      cluster.untilConverged(30_000);
    });
  });
});
