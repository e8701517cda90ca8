import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Cluster, type ClusterNode, balanced } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type Doors, type OpenReader, type Reader, type Writer, readersAt, writersAt } from '../support/doors.js';
import { GO_TIMEOUT_MS, lacksGo } from '../support/go.js';
import { KitexDoor } from '../support/kitex-door.js';

const WITHIN_MS = 1_000;
/** A machine that is busy with something else may be late once. */
const TRIES = 3;

const why = lacksGo();
/** Each by its name, for the table; the doors themselves are open once the cluster runs. */
const WRITERS = ['the SDK', 'REST', 'etcd', 'Eureka', ...(why === undefined ? ['the extension for Kitex'] : [])];
const READERS = [
  ...['the SDK', 'REST, told by events', 'REST, asked', 'etcd, asked', 'etcd, told by a watch', 'Eureka'],
  ...(why === undefined ? ['the extension for Kitex'] : []),
];

/** Real processes: who registers does so at one session server, and who looks for it does so at the other. */
describe(`every door shows what came in through every other${why === undefined ? '' : ` (but for Kitex: ${why})`}`, () => {
  let cluster: Cluster;
  let writers: Map<string, Writer>;
  let readers: Map<string, OpenReader>;
  const open: (() => unknown)[] = [];
  let services = 0;

  beforeAll(async () => {
    const env = { ROLLCALL_SESSION_ETCD_ENABLED: 'true', ROLLCALL_SESSION_ETCD_PORT: '0' };
    cluster = await startCluster({ meta: 3, data: 3, session: 2, env });
    await balanced(() => cluster.of('meta')[0]!);
    const [near, far] = (await Promise.all(cluster.of('session').map(doorsOf))) as [Doors, Doors];
    const closing = (close: () => unknown): void => void open.push(close);
    let kitex: { near?: KitexDoor; far?: KitexDoor } = {};
    if (why === undefined) {
      const program = join(cluster.dir, 'door');
      await KitexDoor.build(program);
      kitex = { near: new KitexDoor(program, [near.http]), far: new KitexDoor(program, [far.http]) };
      for (const door of [kitex.near, kitex.far]) closing(() => door?.close());
    }
    writers = new Map(writersAt(near, closing, kitex.near));
    readers = new Map(readersAt(far, closing, kitex.far));
  }, GO_TIMEOUT_MS);

  afterAll(async () => {
    for (const close of open) await close();
    await endCluster(cluster);
  }, 60_000);

  it('has no door that the table leaves out', () => {
    expect([...writers.keys()]).toEqual(WRITERS);
    expect([...readers.keys()]).toEqual(READERS);
  });

  it.each(WRITERS.flatMap((writer) => READERS.map((reader) => [writer, reader] as const)))(
    'what is registered through %s is seen, and its end, within a second through %s',
    async (writer, reader) => {
      let took = Infinity;
      for (let tries = 0; tries < TRIES && took > WITHIN_MS; tries++)
        took = Math.max(...(await once(writers.get(writer)!, readers.get(reader)!)));
      expect(took).toBeLessThanOrEqual(WITHIN_MS);
    },
    60_000,
  );

  /** How long it took until it was seen, and until it was not any more. */
  async function once(register: Writer, openReader: OpenReader): Promise<[number, number]> {
    const service = `service${++services}`;
    const host = `10.7.0.${services}`;
    const reader = await openReader(service);
    expect(await reader.hosts()).toEqual([]);
    let begun = performance.now();
    const leave = await register(service, host);
    await until(reader, [host]);
    const seen = performance.now() - begun;
    begun = performance.now();
    await leave();
    await until(reader, []);
    const left = performance.now() - begun;
    await reader.close();
    return [seen, left];
  }
});

async function until(reader: Reader, hosts: readonly string[]): Promise<void> {
  while (JSON.stringify(await reader.hosts()) !== JSON.stringify(hosts)) await setTimeout(10);
}

async function doorsOf({ rpcAddress, httpAddress }: ClusterNode): Promise<Doors> {
  const { etcdAddress } = (await (await fetch(`http://${httpAddress}/version`)).json()) as { etcdAddress: string };
  return { rpc: rpcAddress, http: httpAddress, etcd: etcdAddress };
}
