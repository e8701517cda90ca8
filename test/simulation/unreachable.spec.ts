import { type Cluster, type Cores, realCores } from '#sim';
import { watched } from './watched.js';

const DATA_IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Two data servers that share the slots, and services in all of them, watched from every session server. */
function populated(seed: number, cores: Partial<Cores> = {}): Cluster {
  const cluster = watched({ seed, data: 2, sessions: 3, clients: 4, cores });
  for (const dataId of DATA_IDS) {
    cluster.clients[0]!.publish({ dataId, data: [`http://${dataId}:80`] });
    for (const watcher of cluster.clients.slice(1)) watcher.subscribe({ dataId });
  }
  cluster.untilConverged();
  cluster.run(3_000);
  return cluster;
}

const leads = (cluster: Cluster, name: string): boolean => {
  const { incarnation } = cluster.data.find((host) => host.name === name)!;
  return cluster.meta.state.table.slots.some(({ leader }) => leader === incarnation);
};

function cut(cluster: Cluster, data: string, sessions: string[]): void {
  for (const session of sessions) cluster.partition(data, session);
}

describe('a data server that session servers cannot reach, with the real brains', () => {
  it.each([1, 2, 3, 4])('loses the lead and not its membership, and has both again afterwards (seed %i)', (seed) => {
    const cluster = populated(seed);
    cluster.story(() => {
      const incarnations = cluster.servers.map(({ incarnation }) => incarnation);
      cut(cluster, 'data-1', ['session-1', 'session-2', 'session-3']);
      cluster.until('the other leads every slot', () => !leads(cluster, 'data-1'), 5_000);
      for (const dataId of DATA_IDS) cluster.clients[0]!.publish({ dataId, data: [`http://${dataId}:81`] });
      cluster.untilConverged();
      cluster.run(20_000);
      expect(leads(cluster, 'data-1')).toBe(false);
      cluster.heal();
      cluster.until('it leads some again', () => leads(cluster, 'data-1'), 20_000);
      cluster.untilConverged();
      expect(cluster.servers.map(({ incarnation }) => incarnation)).toEqual(incarnations);
      expect(cluster.meta.state.table.departed).toEqual([]);
    });
  });

  it('goes on leading when it is only one session server that cannot', () => {
    const cluster = populated(5);
    cluster.story(() => {
      const { epoch } = cluster.meta.state.table;
      cut(cluster, 'data-1', ['session-2']);
      cluster.run(6_000);
      expect(cluster.meta.state.table.epoch).toBe(epoch);
    });
  });

  it.each([11, 12, 13])('has no session server expired, though it waits for all of them (seed %i)', (seed) => {
    // Otherwise they would have gone on as other incarnations before it reports them.
    const patient = { limits: { leaderSilenceMs: 60_000 } };
    const cluster = populated(seed, { session: (options) => realCores.session({ ...options, ...patient }) });
    cluster.story(() => {
      // Once it leads what the other led, every one of those slots waits for the session servers.
      cut(cluster, 'data-1', ['session-1', 'session-2', 'session-3']);
      cluster.kill('data-2');
      cluster.run(25_000);
      const causes = cluster.meta.state.table.departed
        .filter(({ role }) => role === 'session')
        .map(({ cause }) => cause);
      expect(causes.filter((cause) => cause === 'expired')).toEqual([]);
      cluster.heal();
      cluster.restart('data-2');
      cluster.untilConverged(20_000);
    });
  });
});
