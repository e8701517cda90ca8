import { copyFileSync, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RegistryClient } from '#client';
import { Cluster, endOnSignals } from '../cluster.js';
import { count } from '../options.js';
import { ProtocolClient } from '../systems/rollcall/protocol-client.js';
import { type Scrapes, scrapesOf } from './scrapes.js';
import { memoryEnv, memoryOf } from './session-memory.js';

const HELP = `Measures what idle subscribers, each on a connection of its own, cost a session server in memory.

  node scripts/run.mjs bench/src/size/connections.main.js [options]

  --connections N   how many (10000); each says hello, subscribes to one of some services and beats its heart
  --warm N          connections that come and go before (2000), so that what a server needs to work at all is not counted
  --seconds N       of idleness before it is measured (10)
  --heap FILE       also writes a snapshot of the session server's heap to FILE
  --json            print the results as JSON

What is resident is taken before any collection is asked for. Also measures what a scrape of its metrics costs it then.
`;

const GOAL_BYTES = 10 * 1024;
const SERVICES = 100;
const AT_ONCE = 50;

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    warm: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '10' },
    heap: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const connections = count('connections', options.connections);
const warm = count('warm', options.warm);
const idleMs = count('seconds', options.seconds) * 1000;

const serviceOf = (index: number): string => `service-${index % SERVICES}`;

async function subscribers(size: number, port: number): Promise<ProtocolClient[]> {
  const clients: ProtocolClient[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < size) {
      const index = next++;
      const client = await ProtocolClient.open(port);
      clients.push(client);
      await client.subscribe(serviceOf(index));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return clients;
}

endOnSignals();
const folder = await mkdtemp(join(tmpdir(), 'rollcall-connections-'));
const cluster = await Cluster.open({
  ...{ dir: folder, meta: 1, data: 1, session: 1, basePort: 0 },
  env: memoryEnv(folder),
});
let before: Awaited<ReturnType<typeof memoryOf>>;
let after: typeof before;
let scrapes: Scrapes;
let publisher: RegistryClient | undefined;
let clients: ProtocolClient[] = [];
try {
  await cluster.start();
  const [session] = cluster.of('session');
  publisher = new RegistryClient({ seeds: [session!.rpcAddress] });
  for (let i = 0; i < 10 * SERVICES; i++)
    await publisher.publish({ dataId: serviceOf(i), data: [`tcp://10.0.0.1:${i}`] });
  for (const client of await subscribers(warm, session!.rpcPort)) client.close();
  await setTimeout(idleMs);
  before = await memoryOf(session!, folder);
  clients = await subscribers(connections, session!.rpcPort);
  await setTimeout(idleMs);
  after = await memoryOf(session!, folder);
  scrapes = await scrapesOf(session!);
  if (options.heap !== undefined) {
    process.kill(session!.pid!, 'SIGURG');
    const snapshot = join(folder, 'memory.json.heapsnapshot');
    while (!existsSync(snapshot)) await setTimeout(100);
    // It answers again once all of it is written.
    await memoryOf(session!, folder);
    copyFileSync(snapshot, options.heap);
  }
} finally {
  await cluster.kill();
  for (const client of clients) client.close();
  await publisher?.close({ drain: false });
  await rm(folder, { recursive: true, force: true });
}

const results = {
  node: process.version,
  connections,
  residentBytesEach: (after.rss - before.rss) / connections,
  heapBytesEach: (after.heap - before.heap) / connections,
  heldBytesEach: (after.held - before.held) / connections,
  goalBytes: GOAL_BYTES,
  scrapes,
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else
  console.log(`
${connections} idle subscribers on as many connections cost the session server
  resident  ${results.residentBytesEach.toFixed(0)} bytes each (goal: at most ${GOAL_BYTES})
  of that   ${results.heapBytesEach.toFixed(0)} bytes each are the heap, with its garbage
  held      ${results.heldBytesEach.toFixed(0)} bytes each, on the heap and beside it
  a scrape  ${scrapes.p50Ms.toFixed(1)} ms (at most ${scrapes.maxMs.toFixed(1)}), ${scrapes.cpuMs.toFixed(1)} ms of processor time, ${scrapes.bytes} bytes`);
process.exit(results.residentBytesEach > GOAL_BYTES ? 1 : 0);
