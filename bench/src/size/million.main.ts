import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Histogram, build } from 'hdr-histogram-js';
import { type Publisher, RegistryClient } from '#client';
import { Cluster, type Node, endOnSignals } from '../cluster.js';
import { count } from '../options.js';
import { usSince } from '../harness/histograms.js';
import { cpuMsOf } from '../harness/processes.js';
import { DATA, PER_SERVICE, publish, serviceOf } from './publications.js';
import { type Scrapes, scrapesOf } from './scrapes.js';

const HELP = `Publishes very many registrations to one data server, through session servers and the SDK, then republishes some of them all
the time, and measures what they cost the data server: memory, how late its event loop is, and the processor time of one
publish and one fetch of a service, in a server of few publications and in the same one when it has them all, and what a
scrape of its metrics costs it then.

  node scripts/run.mjs bench/src/size/million.main.js [options]

  --publications N  live publications (1000000), of some 200 bytes each
  --few N           those that it is compared with (10000)
  --sessions N      session servers that share them (4)
  --churn N         republishes per second while it is measured (2000)
  --seconds N       how long (60)
  --json            print the results as JSON
`;

const CLIENTS = 50;
const AT_ONCE = 4_000;
const TICK_MS = 10;
const COST_AT_ONCE = 64;
/** So many that collections of garbage come among them as often as they always do. */
const COST_PUBLISHES = 40_000;
const COST_FETCHES = 8_000;

const { values: options } = parseArgs({
  options: {
    publications: { type: 'string', default: '1000000' },
    few: { type: 'string', default: '10000' },
    sessions: { type: 'string', default: '4' },
    churn: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const publications = count('publications', options.publications);
const few = count('few', options.few);
const sessions = count('sessions', options.sessions);
const churn = count('churn', options.churn);
const seconds = count('seconds', options.seconds);

interface Measured {
  rss: number;
  /** On the heap and beside it, after a collection. */
  held: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
  /** Major collections, and the longest pause of any collection. */
  collections: number;
  longestPauseMs: number;
}

/** What the data server has measured since it was last asked. */
async function measured(server: Node, file: string): Promise<Measured> {
  rmSync(file, { force: true });
  process.kill(server.pid!, 'SIGUSR2');
  while (!existsSync(file)) await setTimeout(TICK_MS);
  return JSON.parse(readFileSync(file, 'utf8')) as Measured;
}

/** Processor time of one, in microseconds, of all threads, many of them under way at any time. */
interface Cost {
  publishUs: number;
  fetchUs: number;
}

/** Answered by the data server each time, since nobody has subscribed. */
async function costOf(server: Node, clients: RegistryClient[], publishers: Publisher[]): Promise<Cost> {
  const anyOf = <T>(list: T[]): T => list[Math.floor(Math.random() * list.length)]!;
  const repeat = async (times: number, one: () => Promise<unknown>): Promise<void> => {
    let left = times;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await one();
    };
    await Promise.all(Array.from({ length: COST_AT_ONCE }, worker));
  };
  const timed = async (times: number, one: () => Promise<unknown>): Promise<number> => {
    // Warms the code and the way there.
    await repeat(times / 4, one);
    const beforeMs = cpuMsOf(server.pid!);
    await repeat(times, one);
    return ((cpuMsOf(server.pid!) - beforeMs) * 1000) / times;
  };
  let version = 0;
  return {
    publishUs: await timed(COST_PUBLISHES, () => anyOf(publishers).republish([`${DATA}${++version}`])),
    fetchUs: await timed(COST_FETCHES, () =>
      anyOf(clients).query({ dataId: serviceOf(Math.floor(Math.random() * publishers.length)) }),
    ),
  };
}

/** Republishes at an even pace, with what is under way bounded. */
async function churnFor(publishers: Publisher[], latencyUs: Histogram): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  const underway = new Set<Promise<void>>();
  let owed = 0;
  let failed = 0;
  let lastMs = performance.now();
  for (let version = 1; performance.now() < endMs; version++) {
    const nowMs = performance.now();
    owed = Math.min(owed + ((nowMs - lastMs) * churn) / 1000, churn);
    lastMs = nowMs;
    for (; owed >= 1 && underway.size < AT_ONCE; owed--) {
      const startMs = performance.now();
      const one = publishers[Math.floor(Math.random() * publishers.length)]!.republish([`${DATA}${version}`])
        .then(
          () => latencyUs.recordValue(usSince(startMs)),
          () => void failed++,
        )
        .finally(() => underway.delete(one));
      underway.add(one);
    }
    await setTimeout(TICK_MS);
  }
  await Promise.all(underway);
  return failed;
}

endOnSignals();
const folder = await mkdtemp(join(tmpdir(), 'rollcall-million-'));
const file = join(folder, 'measured.json');
const preload = new URL('./delay.preload.js', import.meta.url).href;
const cluster = await Cluster.open({
  ...{ dir: folder, meta: 1, data: 1, session: sessions, basePort: 0 },
  env: { NODE_OPTIONS: `--import=${preload}`, BENCH_DELAY_FILE: file },
});
const clients: RegistryClient[] = [];
const latencyUs = build();
let before: Measured;
let filled: Measured;
let churned: Measured;
let costOfFew: Cost;
let costOfAll: Cost;
let scrapes: Scrapes;
let failed: number;
let tookS: number;
try {
  await cluster.start();
  const [server] = cluster.of('data');
  const seeds = cluster.of('session').map(({ rpcAddress }) => rpcAddress);
  for (let i = 0; i < CLIENTS; i++) clients.push(new RegistryClient({ seeds }));
  before = await measured(server!, file);
  const publishers: Publisher[] = [];
  await publish(clients, publishers, Math.min(few, publications), AT_ONCE);
  costOfFew = await costOf(server!, clients, publishers);
  const startMs = performance.now();
  await publish(clients, publishers, publications, AT_ONCE);
  tookS = (performance.now() - startMs) / 1000;
  filled = await measured(server!, file);
  scrapes = await scrapesOf(server!);
  costOfAll = await costOf(server!, clients, publishers);
  failed = await churnFor(publishers, latencyUs);
  churned = await measured(server!, file);
} finally {
  await cluster.kill();
  await Promise.all(clients.map((client) => client.close({ drain: false })));
  await rm(folder, { recursive: true, force: true });
}

const bytesEach = ({ rss, held }: Measured) => ({
  held: (held - before.held) / publications,
  resident: (rss - before.rss) / publications,
});
const delays = ({ p50Ms, p99Ms, p999Ms, maxMs, collections, longestPauseMs }: Measured) => ({
  ...{ p50Ms, p99Ms, p999Ms, maxMs, collections, longestPauseMs },
});
const results = {
  node: process.version,
  publications,
  publishedPerSecond: (publications - Math.min(few, publications)) / tookS,
  bytesEach: { filled: bytesEach(filled), churned: bytesEach(churned) },
  cost: { few: costOfFew, all: costOfAll },
  eventLoopDelay: { filling: delays(filled), churning: delays(churned) },
  scrapes,
  republished: latencyUs.totalCount,
  failed,
  republishMs: { p50: latencyUs.getValueAtPercentile(50) / 1000, p99: latencyUs.getValueAtPercentile(99) / 1000 },
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else {
  const line = ({ p50Ms, p99Ms, p999Ms, maxMs, collections, longestPauseMs }: Measured): string =>
    `p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms  p99.9 ${p999Ms.toFixed(1)} ms  max ${maxMs.toFixed(1)} ms` +
    ` (${collections} major collections, longest pause of any ${longestPauseMs.toFixed(0)} ms)`;
  const cost = (what: keyof Cost): string =>
    `${costOfAll[what].toFixed(0)} us (${(costOfAll[what] / costOfFew[what]).toFixed(2)}x that with ${few})`;
  const bytes = (measured: Measured): string =>
    `${bytesEach(measured).held.toFixed(0)} held, ${bytesEach(measured).resident.toFixed(0)} resident`;
  console.log(`
${publications} publications on one data server, ${results.publishedPerSecond.toFixed(0)} published a second
  bytes each                  ${bytes(filled)}; after the churn ${bytes(churned)}
  a publish took ${cost('publishUs')}, a fetch of ${PER_SERVICE} ${cost('fetchUs')}
  a scrape took ${scrapes.p50Ms.toFixed(1)} ms (at most ${scrapes.maxMs.toFixed(1)}), ${scrapes.cpuMs.toFixed(1)} ms of processor time, ${scrapes.bytes} bytes
  event loop late by, filling  ${line(filled)}
                      churning ${line(churned)}
  ${results.republished} republishes, ${failed} failed: p50 ${results.republishMs.p50.toFixed(1)} ms  p99 ${results.republishMs.p99.toFixed(1)} ms`);
}
process.exit(failed > 0 ? 1 : 0);
