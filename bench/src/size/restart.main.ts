import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RegistryClient } from '#client';
import { Cluster, type Node, endOnSignals } from '../cluster.js';
import { count } from '../options.js';
import { publish } from './publications.js';

const HELP = `Publishes many registrations to the only data server, kills it with kill -9 and starts it again, with a copy for a warm
start and without one in turn: how much keeping the copy costs publishing, and what it saves when the server is back.

  node scripts/run.mjs bench/src/size/restart.main.js [options]

  --publications N  live publications (100000), of some 200 bytes each
  --rounds N        of each kind (2)
  --json            print the results as JSON
`;

const CLIENTS = 20;
const AT_ONCE = 2_000;
const TICK_MS = 10;

const { values: options } = parseArgs({
  options: {
    publications: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const publications = count('publications', options.publications);
const rounds = count('rounds', options.rounds);

interface Stats {
  publications: number;
  slotsLed: number;
  slotsPartial: number;
  publicationsAskedFor: number;
  warm: { loaded: number; confirmed: number; pending: number };
}

interface Round {
  warmStart: boolean;
  publishedPerSecond: number;
  /** From the last publication to the last write of the copy. */
  keptAfterMs: number;
  /** From the start of the process until it serves, and until every slot is complete. */
  readyMs: number;
  completeMs: number;
  loaded: number;
  askedFor: number;
}

async function statsOf({ httpAddress }: Node): Promise<Stats | undefined> {
  try {
    const response = await fetch(`http://${httpAddress}/v1/stats`);
    return response.ok ? ((await response.json()) as Stats) : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves once the server says so. */
async function until(node: Node, holds: (stats: Stats) => boolean): Promise<Stats> {
  for (;;) {
    const stats = await statsOf(node);
    if (stats && holds(stats)) return stats;
    await setTimeout(TICK_MS);
  }
}

async function run(warmStart: boolean): Promise<Round> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-restart-'));
  const env = { ROLLCALL_DATA_WARM_START: String(warmStart) };
  const cluster = await Cluster.open({ dir: folder, meta: 1, data: 1, session: 1, basePort: 0, env });
  const clients: RegistryClient[] = [];
  try {
    await cluster.start();
    const [server] = cluster.of('data');
    const seeds = cluster.of('session').map(({ rpcAddress }) => rpcAddress);
    for (let i = 0; i < CLIENTS; i++) clients.push(new RegistryClient({ seeds }));
    const begunMs = performance.now();
    await publish(clients, [], publications, AT_ONCE);
    const publishedMs = performance.now();
    const tookMs = publishedMs - begunMs;
    await until(server!, ({ warm }) => warm.pending === 0);
    const keptAfterMs = performance.now() - publishedMs;
    await server!.kill('SIGKILL');
    const startMs = performance.now();
    await server!.start().ready();
    const readyMs = performance.now() - startMs;
    const stats = await until(server!, (each) => each.slotsLed > 0 && each.slotsPartial === 0);
    const completeMs = performance.now() - startMs;
    if (stats.publications !== publications) throw new Error(`${stats.publications} are back, not ${publications}`);
    const { warm, publicationsAskedFor: askedFor } = stats;
    const publishedPerSecond = (publications / tookMs) * 1000;
    return { warmStart, publishedPerSecond, keptAfterMs, readyMs, completeMs, loaded: warm.loaded, askedFor };
  } finally {
    await cluster.kill();
    await Promise.all(clients.map((client) => client.close({ drain: false })));
    await rm(folder, { recursive: true, force: true });
  }
}

endOnSignals();
const results: Round[] = [];
for (let round = 0; round < rounds; round++) for (const warmStart of [true, false]) results.push(await run(warmStart));
if (options.json) console.log(JSON.stringify({ node: process.version, publications, rounds: results }, null, 2));
else
  for (const { warmStart, publishedPerSecond, keptAfterMs, readyMs, completeMs, loaded, askedFor } of results)
    console.log(
      `${warmStart ? 'warm' : 'cold'}  ${publishedPerSecond.toFixed(0)} published a second, the last kept after ${keptAfterMs.toFixed(0)} ms; after kill -9 ready in ${readyMs.toFixed(0)} ms, complete in ${completeMs.toFixed(0)} ms, ${loaded} read from disk, ${askedFor} asked for`,
    );
process.exit(0);
