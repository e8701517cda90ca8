import { type Cluster, type ClusterOptions, realCores } from '#sim';
import { tamperStep } from './defects/defect.js';
import { watched } from './watched.js';

const CLIENTS = 200;
const SERVICES = 20;
const serviceOf = (client: number): { dataId: string } => ({ dataId: `service-${client % SERVICES}` });

/** So that what comes back to each of two servers keeps it busy for longer than it waits for a silent meta server. */
const COST_MS = 10;

/** A session server for which all has been read by now, so that it counts its own lateness as the silence of others. */
const hasReadEverything: NonNullable<ClusterOptions['cores']> = {
  session: (options) => tamperStep(realCores.session(options), (nowMs, event, real) => real(nowMs, event)),
};

/** The connections of all clients break, and all come back while each thing that they say takes its time. */
function comeBackAtOnce(seed: number, cores: ClusterOptions['cores'] = {}): Cluster {
  const cluster = watched({ seed, metas: 3, data: 3, sessions: 2, clients: CLIENTS, slotCount: 16, cores });
  for (const [i, client] of cluster.clients.entries()) {
    client.publish({ ...serviceOf(i), data: [`http://${client.name}:80`] });
    client.subscribe(serviceOf(i * 7));
  }
  cluster.untilConverged(30_000);
  cluster.run(3_000);
  for (const session of cluster.sessions) session.slowDown(COST_MS);
  for (const client of cluster.clients)
    cluster.world.network.resetOne({ a: client.name, b: client.connectedTo()!.host });
  cluster.run(1_000);
  cluster.until('all are back', () => cluster.clients.every(({ state }) => state === 'ready'), 60_000);
  cluster.untilConverged(30_000);
  for (const session of cluster.sessions) session.slowDown(0);
  cluster.untilConverged();
  return cluster;
}

/** What session servers have noted of meta servers that they gave up, and of being given up by them. */
function partings({ sessions, world }: Cluster): string[] {
  return sessions.flatMap(({ name }) =>
    world.transcript
      .tail(1_000, name)
      .split('\n')
      .filter((line) => /meta-lost|expelled/.test(line)),
  );
}

describe('a session server that many clients come back to at once', () => {
  it.each([1, 2, 3])('does not give up who has answered, and is not given up (seed %i)', (seed) => {
    expect(partings(comeBackAtOnce(seed))).toEqual([]);
  });

  it('would, if it took what it has not read yet for silence', () => {
    expect(partings(comeBackAtOnce(1, hasReadEverything))).not.toEqual([]);
  });
});
