import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Load } from './load.js';
import { count } from '../options.js';
import { MetaGroup, Writing, formatSpread, readyLeader, spreadOf, statusOf } from './meta-group.js';

const HELP = `Runs three meta servers under load for a while, with event-loop stalls of 200 ms on the leader every few seconds and delays
of 100 ms on some of everybody's disk writes, and counts the elections: there should be none.

  node scripts/run.mjs bench/src/failover/stalls.main.js [--seconds N] [--json]

  --seconds N  how long (600)
  --json       print the results as JSON
`;

const REPORT_MS = 30_000;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const seconds = count('seconds', options.seconds);

const preload = new URL('./stalls.preload.js', import.meta.url).href;
const group = await MetaGroup.start({ NODE_OPTIONS: `--import=${preload}` });
let writing: Writing | undefined;
let load: Load | undefined;
let firstTerm = 0;
let lastTerm = 0;
try {
  firstTerm = (await readyLeader(group.metas)).status.term;
  writing = new Writing(group.metas, 1);
  load = new Load(group.seeds);
  await load.start();
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    await setTimeout(Math.min(REPORT_MS, Math.max(0, endMs - performance.now())));
    const terms = await Promise.all(group.metas.map(async (node) => (await statusOf(node))?.term ?? 0));
    lastTerm = Math.max(lastTerm, ...terms);
    const leftS = Math.max(0, Math.round((endMs - performance.now()) / 1000));
    console.error(`${lastTerm - firstTerm} elections so far, ${writing.acknowledged} writes; ${leftS} s left`);
  }
} finally {
  await load?.stop();
  await writing?.stop();
  await group.stop();
}

const results = {
  node: process.version,
  seconds,
  elections: lastTerm - firstTerm,
  writes: writing.acknowledged,
  published: load.published,
  failedPublishes: load.failedPublishes.length,
  publish: spreadOf(load.publishUs),
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else
  console.log(`
${seconds} s with stalls and slow syncs: ${results.elections} elections, ${results.writes} writes of the cluster's state
meanwhile ${results.published} publishes, ${results.failedPublishes} failed: ${formatSpread(results.publish)}`);
process.exit(results.elections + results.failedPublishes > 0 ? 1 : 0);
