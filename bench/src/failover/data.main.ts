import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Histogram, build } from 'hdr-histogram-js';
import { RegistryClient, type Subscriber } from '#client';
import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, type RoutingTable, toDataInfoId } from '#model';
import { slotOf } from '#sharding';
import { Cluster, type Node, endOnSignals } from '../cluster.js';
import { usSince } from '../harness/histograms.js';
import { atLeast, count } from '../options.js';
import { Population } from './population.js';
import { endConnections, request } from './request.js';
import { wholeTable } from './whole-table.js';

const HELP = `Kills a random data server with SIGKILL, again and again, under live publications, subscribers and churn, and measures how
long it takes from the kill until writes to the slots it led are stored, and until they are pushed, again.

  node scripts/run.mjs bench/src/failover/data.main.js [options]

  --kills N         how often (20); each killed server is started again and has caught up before the next
  --every S         seconds from one kill to the next, at least (10); with 0 a kill follows while leaders move to the server
                    that has come back
  --data N          data servers (4)
  --publications N  live publications (20000)
  --subscribers N   subscribers, on as many connections (2000)
  --churn N         republishes per second, in percent of the publications (1)
  --json            print the results as JSON
`;

/** Many try at once, on the cores that are measured. */
const RETRY_MS = 50;
/** Services by which the slots of the killed server are tried. */
const PROBES = 64;

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    every: { type: 'string', default: '10' },
    data: { type: 'string', default: '4' },
    publications: { type: 'string', default: '20000' },
    subscribers: { type: 'string', default: '2000' },
    churn: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const kills = count('kills', options.kills);
const everyMs = atLeast(0, 'every', options.every) * 1000;
const data = atLeast(2, 'data', options.data);
const publications = atLeast(0, 'publications', options.publications);
const subscribers = atLeast(0, 'subscribers', options.subscribers);
const churn = atLeast(0, 'churn', options.churn);

const probes = Array.from({ length: PROBES }, (_, i) => `probe-${i}`);

function ledBy(table: RoutingTable, address: string): string[] {
  return probes.filter((dataId) => {
    const id = toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
    const { leader } = table.slots[slotOf(id, table.slots.length)]!;
    return table.members.some((member) => member.incarnation === leader && member.address === address);
  });
}

/** Registers over HTTP, which is answered well only once the leader of the slot has it. */
async function store(session: Node, dataId: string, value: string): Promise<void> {
  const body = { dataId, registerId: 'probe', data: [value], leaseMs: 3_600_000 };
  while (!(await request(session, 'POST', '/v1/publishers', body))) await setTimeout(RETRY_MS);
}

function shows(subscriber: Subscriber, value: string): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (!subscriber.current().publishers.some((each) => each.data[0] === value)) return;
      subscriber.off('change', check);
      resolve();
    };
    subscriber.on('change', check);
    check();
  });
}

endOnSignals();
const folder = await mkdtemp(join(tmpdir(), 'rollcall-failover-'));
const cluster = await Cluster.open({ dir: folder, meta: 3, data, session: 2, basePort: 0 });
const firstStoredUs: Histogram = build();
const allStoredUs: Histogram = build();
const eachStoredUs: Histogram = build();
const firstPushedUs: Histogram = build();
const allPushedUs: Histogram = build();
const eachPushedUs: Histogram = build();
const seeds = (): string[] => cluster.of('session').map(({ rpcAddress }) => rpcAddress);
let population: Population | undefined;
let watcher: RegistryClient | undefined;
try {
  await cluster.start();
  const session = cluster.of('session')[0]!;
  population = new Population(seeds());
  await population.start({ publications, subscribers, churnPerSecond: (publications * churn) / 100 });
  watcher = new RegistryClient({ seeds: seeds() });
  const watching = new Map<string, Subscriber>();
  for (const probe of probes) {
    await store(session, probe, 'first');
    const subscriber = watcher.subscribe({ dataId: probe });
    await subscriber.ready();
    watching.set(probe, subscriber);
  }
  console.error(`${publications} publications, ${subscribers} subscribers; killing ...`);
  let dueMs = performance.now();
  for (let kill = 1; kill <= kills; kill++) {
    await setTimeout(Math.max(dueMs - performance.now(), 0));
    const table = await wholeTable(session);
    const running = cluster.of('data');
    const victim = running[Math.floor(Math.random() * running.length)]!;
    const affected = ledBy(table, victim.rpcAddress);
    const value = `kill-${kill}`;
    const startMs = performance.now();
    dueMs = startMs + everyMs;
    const killed = victim.kill('SIGKILL');
    const stored: number[] = [];
    const pushed: number[] = [];
    await Promise.all(
      affected.map(async (probe) => {
        const push = shows(watching.get(probe)!, value).then(() => pushed.push(usSince(startMs)));
        await store(session, probe, value);
        stored.push(usSince(startMs));
        await push;
      }),
    );
    await killed;
    if (affected.length > 0) {
      firstStoredUs.recordValue(Math.min(...stored));
      allStoredUs.recordValue(Math.max(...stored));
      for (const us of stored) eachStoredUs.recordValue(us);
      firstPushedUs.recordValue(Math.min(...pushed));
      allPushedUs.recordValue(Math.max(...pushed));
      for (const us of pushed) eachPushedUs.recordValue(us);
    }
    const [firstMs, allMs] = [Math.min(...pushed), Math.max(...pushed)].map((us) => (us / 1000).toFixed(0));
    const when = affected.length > 0 ? `pushed after ${firstMs} to ${allMs} ms` : 'which it did not lead';
    console.error(`kill ${kill}/${kills}: ${victim.name}, ${affected.length} probes, ${when}`);
    await victim.start().ready();
  }
  await wholeTable(session);
  await population.settle();
} finally {
  await watcher?.close({ drain: false });
  await population?.stop();
  endConnections();
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
}

const inMs = (histogram: Histogram) => ({
  p50Ms: histogram.getValueAtPercentile(50) / 1000,
  p99Ms: histogram.getValueAtPercentile(99) / 1000,
  maxMs: histogram.maxValue / 1000,
});
const results = {
  node: process.version,
  kills: firstStoredUs.totalCount,
  publications,
  subscribers,
  firstStored: inMs(firstStoredUs),
  allStored: inMs(allStoredUs),
  eachStored: inMs(eachStoredUs),
  firstPushed: inMs(firstPushedUs),
  allPushed: inMs(allPushedUs),
  eachPushed: inMs(eachPushedUs),
  ...population.report(),
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else {
  const line = ({ p50Ms, p99Ms, maxMs }: ReturnType<typeof inMs>): string =>
    `p50 ${p50Ms.toFixed(0)} ms  p99 ${p99Ms.toFixed(0)} ms  max ${maxMs.toFixed(0)} ms`;
  console.log(`
${results.kills} kills of a data server, until
  a slot that it led stores its first write  ${line(results.eachStored)}
    the first slot of a kill                 ${line(results.firstStored)}
    the last one                             ${line(results.allStored)}
  it pushes that write                       ${line(results.eachPushed)}
    the first slot of a kill                 ${line(results.firstPushed)}
    the last one                             ${line(results.allPushed)}
meanwhile ${results.republished} republishes, ${results.failed} failed
  lists that lost a live publication: ${results.shrunk}
  subscribers whose list is right at the end: ${results.right} of ${subscribers}`);
}
process.exit(results.failed + results.shrunk > 0 || results.right < subscribers ? 1 : 0);
