import { Cluster } from '#sim';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };

/** Servers in the order in which they are upgraded: whatever it is, the last one decides. */
const ORDERS = [
  [1, ['meta-1', 'meta-2', 'meta-3', 'data-1', 'data-2', 'session-1', 'session-2']],
  [2, ['session-2', 'data-1', 'meta-2', 'session-1', 'meta-1', 'data-2', 'meta-3']],
  [3, ['data-2', 'data-1', 'session-1', 'session-2', 'meta-3', 'meta-1', 'meta-2']],
] as const;

describe('a cluster of two versions', () => {
  it.each(ORDERS)('rises to the next feature level when the last server is upgraded (seed %i)', (seed, order) => {
    const cluster = watched({ seed, metas: 3, data: 2, sessions: 2, clients: 3 });
    for (const server of cluster.servers) server.featureLevel = 1;
    cluster.story(() => {
      const watchers = cluster.clients.map((client) => client.subscribe(SERVICE));
      for (const client of cluster.clients) client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
      cluster.untilConverged();
      for (const name of order) {
        cluster.run(10_000);
        expect(cluster.meta.state.featureLevel).toBe(1);
        cluster.servers.find((server) => server.name === name)!.featureLevel = 2;
        cluster.restart(name);
      }
      cluster.until('the level has risen', () => cluster.meta.state.featureLevel === 2);
      cluster.untilConverged(20_000);
      for (const watcher of watchers) expect(watcher.list().size).toBe(cluster.clients.length);
    });
  });

  it('ends a meta server of the old version, and keeps an old member out, once it has risen', () => {
    const cluster = new Cluster({ seed: 7, metas: 3, data: 2, sessions: 1, clients: 2 });
    cluster.story(() => {
      for (const server of cluster.servers) {
        server.featureLevel = 2;
        cluster.restart(server.name);
        cluster.run(5_000);
      }
      cluster.until('the level has risen', () => cluster.meta.state.featureLevel === 2);
      for (const name of ['meta-2', 'data-1']) {
        cluster.servers.find((server) => server.name === name)!.featureLevel = 1;
        cluster.restart(name);
      }
      const old = cluster.data[0]!.incarnation;
      cluster.run(10_000);
      expect(cluster.metas.map(({ dead }) => dead)).toEqual([false, true, false]);
      const { members, slots } = cluster.meta.state.table;
      expect(members.map(({ incarnation }) => incarnation)).not.toContain(old);
      expect(new Set(slots.map(({ leader }) => leader))).toEqual(new Set([cluster.data[1]!.incarnation]));
      // The rest goes on, and takes them back as what they were.
      for (const name of ['meta-2', 'data-1']) {
        cluster.servers.find((server) => server.name === name)!.featureLevel = 2;
        cluster.restart(name);
      }
      const watcher = cluster.clients[0]!.subscribe(SERVICE);
      cluster.clients[1]!.publish({ ...SERVICE, data: ['http://10.0.0.1:80'] });
      cluster.run(10_000);
      cluster.untilConverged();
      expect(watcher.list().size).toBe(1);
      expect(cluster.metas.every(({ running }) => running)).toBe(true);
    });
  });
});
