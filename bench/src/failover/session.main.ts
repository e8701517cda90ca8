import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Histogram, build } from 'hdr-histogram-js';
import { Cluster, type Node, endOnSignals } from '../cluster.js';
import { asLoadProcess } from '../load-process.js';
import { atLeast, count } from '../options.js';
import { usSince } from '../harness/histograms.js';
import { type Inhabitant, Town, versionShown } from './town.js';

const HELP = `Kills a session server with SIGKILL, again and again, while publications of its clients and of others change, and measures how
long it takes until each of its clients is ready on another server, and until it is shown what has changed since the kill, and
until leaders have stored again what all of them have published.
Nobody may disappear from anybody's list meanwhile, or be in it twice, and in the end everybody has the latest.

  node scripts/run.mjs bench/src/failover/session.main.js [options]

  --kills N     how often (10), each with clients that are new
  --first N     kills before these, told apart (2): servers that have just started run code that is not compiled yet
  --clients N   of the killed server, each with one publication and one subscription (2000)
  --others N    the same of another server (200)
  --services N  that all of them share, not more than the others (100)
  --churn N     changes per second (1 % of the publications)
  --json        print the results as JSON

All clients run in this process, on the cores that are measured.
`;

/** Who is not back by then never will be. */
const DEADLINE_MS = 30_000;
const GOAL_MS = 2_000;
/** What a server is asked for what it has not told to leaders yet, and how often; of so many at once, changes go on. */
const STORED_POLL_MS = 50;
const STORED_BELOW = 10;
/** Longer than the grace after which leaves whatever nobody has brought to another server. */
const AFTERMATH_MS = 10_000;

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    first: { type: 'string', default: '2' },
    clients: { type: 'string', default: '2000' },
    others: { type: 'string', default: '200' },
    services: { type: 'string', default: '100' },
    churn: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
await asLoadProcess(import.meta.url);
const kills = count('kills', options.kills);
const first = atLeast(0, 'first', options.first);
const clients = count('clients', options.clients);
const services = count('services', options.services);
const others = atLeast(services, 'others', options.others);
const churn = atLeast(0, 'churn', options.churn ?? String(Math.round((clients + others) / 100)));

/** How long it took the clients of some kills. */
interface Times {
  readonly readyUs: Histogram;
  readonly shownUs: Histogram;
}

const timesOfFirst: Times = { readyUs: build(), shownUs: build() };
const timesOfAll: Times = { readyUs: build(), shownUs: build() };
/** Of each kill, when the leaders had stored all that its clients brought. */
const storedMs: number[] = [];
let notBack = 0;
let wrong = 0;

/** Resolves when it is shown of its service what the witness has published since, or never will be. */
function returned(
  { client, subscriber }: Inhabitant,
  witness: Inhabitant,
  startMs: number,
  { readyUs, shownUs }: Times,
): Promise<void> {
  const since = witness.version;
  return new Promise((resolve) => {
    const timer = globalThis.setTimeout(() => end(() => notBack++), DEADLINE_MS);
    const onState = (state: string): void => {
      if (state !== 'ready') return;
      client.off('state', onState);
      readyUs.recordValue(usSince(startMs));
    };
    const onChange = (): void => {
      if (versionShown(subscriber.current().publishers, witness) > since)
        end(() => shownUs.recordValue(usSince(startMs)));
    };
    const end = (note: () => void): void => {
      note();
      clearTimeout(timer);
      client.off('state', onState);
      subscriber.off('change', onChange);
      resolve();
    };
    client.on('state', onState);
    subscriber.on('change', onChange);
  });
}

/**
 * Resolves when leaders have answered nearly all that a server has recorded; operations of those that change go on. Throws where
 * they have not in time.
 */
async function stored({ httpAddress }: Node): Promise<void> {
  for (const untilMs = performance.now() + DEADLINE_MS; performance.now() < untilMs;) {
    const text = await (await fetch(`http://${httpAddress}/metrics`)).text();
    if (Number(/^rollcall_operations_in_flight (\d+)$/m.exec(text)![1]) < STORED_BELOW) return;
    await setTimeout(STORED_POLL_MS);
  }
  throw new Error(`Leaders had not stored what came back after ${DEADLINE_MS / 1000} s.`);
}

/** One kill of the server that so many new clients are on. */
async function strike(
  town: Town,
  neighbours: readonly Inhabitant[],
  [victim, other]: readonly [Node, Node],
  times: Times,
): Promise<void> {
  const homeless = await town.settle(clients, [victim.rpcAddress]);
  const witnesses = Array.from({ length: services }, (_, service) =>
    neighbours.find((each) => each.service === service)!,
  );
  town.churn(churn);
  town.guard(true);
  await setTimeout(1_000);
  const killed = victim.kill('SIGKILL');
  const startMs = performance.now();
  const all = homeless.map((each) => returned(each, witnesses[each.service]!, startMs, times));
  await Promise.all([...all, ...witnesses.map((witness) => town.republish(witness))]);
  await stored(other);
  if (times === timesOfAll) storedMs.push(performance.now() - startMs);
  await killed;
  await setTimeout(AFTERMATH_MS);
  await town.rest();
  wrong += await town.wrong(DEADLINE_MS);
  town.guard(false);
  await town.leave(homeless);
}

endOnSignals();
const folder = await mkdtemp(join(tmpdir(), 'rollcall-session-'));
const cluster = await Cluster.open({ dir: folder, meta: 1, data: 2, session: 2, basePort: 0 });
const town = new Town(services);
let neighbours: Inhabitant[] = [];
try {
  await cluster.start();
  const [victim, other] = cluster.of('session') as [Node, Node];
  neighbours = await town.settle(others, [other.rpcAddress]);
  for (let kill = 1; kill <= first + kills; kill++) {
    const counted = kill <= first ? timesOfFirst : timesOfAll;
    await strike(town, neighbours, [victim, other], counted);
    const mostMs = (counted.shownUs.maxValue / 1000).toFixed(0);
    console.error(`kill ${kill}/${first + kills}: all back after ${mostMs} ms at most so far`);
    await victim.start().ready();
  }
} finally {
  await cluster.kill();
  await town.leave(neighbours);
  await rm(folder, { recursive: true, force: true });
}

const inMs = (histogram: Histogram) => ({
  p50Ms: histogram.getValueAtPercentile(50) / 1000,
  p99Ms: histogram.getValueAtPercentile(99) / 1000,
  p999Ms: histogram.getValueAtPercentile(99.9) / 1000,
  maxMs: histogram.maxValue / 1000,
});
const results = {
  ...{ node: process.version, kills, clients, others },
  ...{ ready: inMs(timesOfAll.readyUs), shown: inMs(timesOfAll.shownUs), notBack, storedMs },
  ...{ first, readyAtFirst: inMs(timesOfFirst.readyUs), shownAtFirst: inMs(timesOfFirst.shownUs) },
  ...{ republished: town.republished, failed: town.failed, faults: town.faults.length, wrong },
};
if (options.json) console.log(JSON.stringify({ ...results, firstFaults: town.faults.slice(0, 10) }, null, 2));
else {
  const line = ({ p50Ms, p99Ms, p999Ms, maxMs }: typeof results.ready): string =>
    `p50 ${p50Ms.toFixed(0)} ms  p99 ${p99Ms.toFixed(0)} ms  p99.9 ${p999Ms.toFixed(0)} ms  max ${maxMs.toFixed(0)} ms`;
  console.log(`
${kills} kills of a session server with ${clients} clients, until a client
  is ready on another server       ${line(results.ready)}
  is shown what has changed since  ${line(results.shown)} (goal: p99 below ${GOAL_MS} ms)${
    first === 0 ? '' : `\nthe first ${first}, before these     ${line(results.shownAtFirst)}`
  }
  never in ${DEADLINE_MS / 1000} s: ${notBack}
until leaders had stored again what all of them brought, of each kill: ${storedMs.map((ms) => ms.toFixed(0)).join(', ')} ms
meanwhile ${results.republished} republishes, ${results.failed} failed
  lists that lacked somebody, or showed somebody twice: ${results.faults}
  lists that were not right in the end: ${wrong}`);
  for (const fault of town.faults.slice(0, 10)) console.log(`  ${fault}`);
}
process.exit(notBack + results.failed + results.faults + wrong > 0 ? 1 : 0);
