import { setTimeout } from 'node:timers/promises';
import { type Publisher, RegistryClient } from '#client';
import type { RoutingTable } from '#model';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { http } from '../support/http.js';
import { isWhole, tableOf } from '../support/table.js';

const PUBLICATIONS = 20_000;
/** Published anew while the server is away. */
const CHANGED = 50;
const PER_SERVICE = 10;
const AT_ONCE = 500;

interface Stats {
  slotsLed: number;
  slotsPartial: number;
  publicationsAskedFor: number;
  publicationsCopied: number;
  warm: { loaded: number; confirmed: number; dropped: number; pending: number; failures: number };
}

async function statsOf(node: ClusterNode): Promise<Stats> {
  return (await http('GET', `http://${node.httpAddress}/v1/stats`)).body as Stats;
}

async function until(node: ClusterNode, holds: (stats: Stats) => boolean): Promise<Stats> {
  for (;;) {
    const stats = await statsOf(node);
    if (holds(stats)) return stats;
    await setTimeout(20);
  }
}

/** Real processes, killed with kill -9, and real disks. */
describe.each([
  { servers: 1, asked: { confirmed: PUBLICATIONS - CHANGED, dropped: CHANGED }, copiedAtMost: 0 },
  // A datum is copied as a whole.
  { servers: 2, asked: {}, copiedAtMost: CHANGED * PER_SERVICE },
])('a data server of $servers with many publications', ({ servers, asked, copiedAtMost }) => {
  let cluster: Cluster;
  let client: RegistryClient;
  const publishers: Publisher[] = [];

  const isWholeNow = (table: RoutingTable): boolean => isWhole(table, servers);

  beforeAll(async () => {
    cluster = await startCluster({ meta: 1, data: servers, session: 1 });
    const [session] = cluster.of('session');
    await tableOf(session!, isWholeNow);
    client = new RegistryClient({ seeds: [session!.rpcAddress] });
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < PUBLICATIONS) {
        const index = next++;
        const dataId = `service-${Math.floor(index / PER_SERVICE)}`;
        publishers.push(await client.publish({ dataId, data: [`tcp://10.0.0.1:${index}`] }));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }, 120_000);

  afterAll(async () => {
    await client.close({ drain: false });
    await endCluster(cluster, { gracefully: true });
  }, 60_000);

  it('asks only for what has changed after it was killed', async () => {
    const data = cluster.of('data').at(-1)!;
    for (const node of cluster.of('data')) await until(node, ({ warm }) => warm.pending === 0);
    const [session] = cluster.of('session');
    const former = memberAt(await tableOf(session!, isWholeNow), data);
    await data.kill('SIGKILL');
    const changes = publishers.slice(0, CHANGED).map((publisher, index) => publisher.republish([`changed-${index}`]));
    if (servers > 1) await Promise.all(changes);
    await data.start().ready();
    await Promise.all(changes);
    await tableOf(session!, (table) => isWholeNow(table) && memberAt(table, data) !== former);
    const { warm, publicationsAskedFor, publicationsCopied } = await until(
      data,
      ({ slotsPartial, slotsLed }) => slotsPartial === 0 && (servers > 1 || slotsLed > 0),
    );
    expect(warm.loaded).toBe(PUBLICATIONS);
    expect(warm).toMatchObject({ failures: 0, ...asked });
    // Those that were told of before the server ended, and not answered, are told of again.
    expect(publicationsAskedFor).toBeLessThanOrEqual(CHANGED);
    expect(publicationsCopied).toBeLessThanOrEqual(copiedAtMost);
    for (const index of [0, CHANGED - 1, CHANGED, PUBLICATIONS - 1]) {
      const dataId = `service-${Math.floor(index / PER_SERVICE)}`;
      const { body } = await http('GET', `http://${session!.httpAddress}/v1/datums?dataId=${dataId}`);
      expect(body.publishers).toHaveLength(PER_SERVICE);
    }
  }, 120_000);
});

/** The incarnation that runs there. */
function memberAt({ members }: RoutingTable, { rpcAddress }: ClusterNode): string | undefined {
  return members.find(({ address }) => address === rpcAddress)?.incarnation;
}
