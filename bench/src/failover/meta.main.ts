import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import { usSince } from '../harness/histograms.js';
import { Load } from './load.js';
import { count } from '../options.js';
import { MetaGroup, caughtUp, formatSpread, readyLeader, spreadOf, write } from './meta-group.js';

const HELP = `Kills the leader of three meta servers with SIGKILL, again and again, while clients publish and are pushed, and measures
from the kill until one of the others answers a write of the cluster's state (a configuration value) that it is committed.

  node scripts/run.mjs bench/src/failover/meta.main.js [--kills N] [--json]

  --kills N  how often (200); each killed server is started again and catches up before the next
  --json     print the results as JSON
`;

/** Writes come this often, so that a result is at most this much too high. */
const RETRY_MS = 2;
/** Kills come at random moments between heartbeats and elections. */
const PAUSE_MAX_MS = 300;

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const kills = count('kills', options.kills);

const group = await MetaGroup.start();
const writtenUs = build();
let elections = 0;
let load: Load | undefined;
try {
  load = new Load(group.seeds);
  await load.start();
  let { node: leader, status } = await readyLeader(group.metas);
  for (let kill = 1; kill <= kills; kill++) {
    await setTimeout(Math.random() * PAUSE_MAX_MS);
    const killed = leader;
    const others = group.metas.filter((node) => node !== killed);
    const startMs = performance.now();
    const gone = killed.kill('SIGKILL');
    for (let i = 0; !(await write(others[i % others.length]!, `kill-${kill}`)); i++) await setTimeout(RETRY_MS);
    const tookMs = performance.now() - startMs;
    writtenUs.recordValue(usSince(startMs));
    await gone;
    const next = await readyLeader(others);
    elections += next.status.term - status.term;
    ({ node: leader, status } = next);
    console.error(`kill ${kill}/${kills}: ${killed.name}, then ${leader.name}; written after ${tookMs.toFixed(0)} ms`);
    await killed.start().ready();
    await caughtUp(killed, status.commit);
  }
} finally {
  await load?.stop();
  await group.stop();
}

const results = {
  node: process.version,
  kills,
  termsPerKill: elections / kills,
  written: spreadOf(writtenUs),
  published: load.published,
  failedPublishes: load.failedPublishes.length,
  missedPushes: load.missedPushes,
  publish: spreadOf(load.publishUs),
  push: spreadOf(load.pushUs),
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else
  console.log(`
${kills} kills of the meta leader, ${results.termsPerKill.toFixed(2)} terms each
  until a write is committed  ${formatSpread(results.written)}
meanwhile ${results.published} publishes: ${results.failedPublishes} failed, ${results.missedPushes} not pushed within 1 s
  publish                     ${formatSpread(results.publish)}
  publish until pushed        ${formatSpread(results.push)}`);
for (const message of new Set(load.failedPublishes)) console.error(`failed: ${message}`);
process.exit(results.failedPublishes > 0 ? 1 : 0);
