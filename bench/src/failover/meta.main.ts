import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Histogram, build } from 'hdr-histogram-js';
import type { RaftStatus } from '#consensus';
import type * as scripts from '../../../scripts/lib/cluster.mjs';
import { Load, usSince } from './load.js';

const HELP = `Kills the leader of three meta servers with SIGKILL, again and again, while clients publish and are pushed, and measures
how long it takes from the kill until meta has committed a command under a new leader.

  node scripts/run.mjs bench/src/failover/meta.main.js [--kills N] [--json]

  --kills N  how often (default 20); each killed server is started again and catches up before the next
  --json     print the results as JSON
`;

const POLL_MS = 2;
/** Kills come at random moments between heartbeats and elections. */
const PAUSE_MAX_MS = 300;

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const kills = Number(options.kills);
if (!Number.isInteger(kills) || kills < 1) {
  console.error(`--kills must be a whole number above 0, not ${options.kills}`);
  process.exit(2);
}

// The script is not compiled: seen from dist, it is at the top of the checkout.
const { Cluster } = (await import(
  new URL('../../../../scripts/lib/cluster.mjs', import.meta.url).href
)) as typeof scripts;

async function get(node: scripts.ClusterNode, path: string): Promise<unknown> {
  try {
    const response = await fetch(`http://${node.httpAddress}${path}`, { signal: AbortSignal.timeout(1_000) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

const statusOf = async (node: scripts.ClusterNode): Promise<RaftStatus | undefined> =>
  (await get(node, '/v1/raft/status')) as RaftStatus | undefined;

/** The node that leads and has committed a command of its own: only then a leader is ready. */
async function readyLeader(
  nodes: readonly scripts.ClusterNode[],
): Promise<{ node: scripts.ClusterNode; status: RaftStatus }> {
  for (;;) {
    for (const node of nodes) {
      const status = await statusOf(node);
      if (status?.role === 'leader' && (await get(node, '/health/ready'))) return { node, status };
    }
    await setTimeout(POLL_MS);
  }
}

async function caughtUp(node: scripts.ClusterNode, commit: number): Promise<void> {
  while (((await statusOf(node))?.applied ?? 0) < commit) await setTimeout(POLL_MS);
}

const folder = await mkdtemp(join(tmpdir(), 'rollcall-failover-'));
const cluster = await Cluster.open({ dir: folder, meta: 3, data: 1, session: 1, basePort: 0 });
const failoverUs: Histogram = build();
let elections = 0;
let load: Load | undefined;
try {
  await cluster.start();
  const metas = cluster.of('meta');
  load = new Load(cluster.of('session').map(({ rpcAddress }) => rpcAddress));
  await load.start();
  let { node: leader, status } = await readyLeader(metas);
  for (let kill = 1; kill <= kills; kill++) {
    await setTimeout(Math.random() * PAUSE_MAX_MS);
    const killed = leader;
    const startMs = performance.now();
    await killed.kill('SIGKILL');
    const next = await readyLeader(metas.filter((node) => node !== killed));
    failoverUs.recordValue(usSince(startMs));
    const tookMs = performance.now() - startMs;
    elections += next.status.term - status.term;
    ({ node: leader, status } = next);
    console.error(`kill ${kill}/${kills}: ${killed.name}, then ${leader.name} after ${tookMs.toFixed(0)} ms`);
    await killed.start().ready();
    await caughtUp(killed, status.commit);
  }
} finally {
  await load?.stop();
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
  kills,
  termsPerKill: elections / kills,
  failover: inMs(failoverUs),
  published: load.published,
  failedPublishes: load.failedPublishes.length,
  missedPushes: load.missedPushes,
  publish: inMs(load.publishUs),
  push: inMs(load.pushUs),
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else {
  const line = ({ p50Ms, p99Ms, maxMs }: ReturnType<typeof inMs>): string =>
    `p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms  max ${maxMs.toFixed(1)} ms`;
  console.log(`
${kills} kills of the meta leader, ${results.termsPerKill.toFixed(2)} terms each
  until meta commits again  ${line(results.failover)}
meanwhile ${results.published} publishes: ${results.failedPublishes} failed, ${results.missedPushes} not pushed within 1 s
  publish                   ${line(results.publish)}
  publish until pushed      ${line(results.push)}`);
}
for (const message of new Set(load.failedPublishes)) console.error(`failed: ${message}`);
