import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import { count } from '../options.js';
import { MetaGroup, Writing, formatSpread, readyLeader, spreadOf } from './meta-group.js';
import { request } from './request.js';

const HELP = `Hands the lead of three meta servers over, again and again, while three writers write the cluster's state without pause
through all of them, and measures the longest time around each transfer in which no write was acknowledged.

  node scripts/run.mjs bench/src/failover/transfer.main.js [--transfers N] [--json]

  --transfers N  how often (200)
  --json         print the results as JSON
`;

const PAUSE_MS = 150;

const { values: options } = parseArgs({
  options: {
    transfers: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const transfers = count('transfers', options.transfers);

const group = await MetaGroup.start();
const gapUs = build();
const calmUs = build();
let refused = 0;
let writing: Writing | undefined;
try {
  let { node: leader } = await readyLeader(group.metas);
  writing = new Writing(group.metas);
  for (let transfer = 1; transfer <= transfers; transfer++) {
    writing.takeLongestMs();
    await setTimeout(PAUSE_MS);
    // What the writers see of a noisy machine without any transfer.
    calmUs.recordValue(Math.round(writing.takeLongestMs() * 1000));
    const others = group.metas.filter((node) => node !== leader);
    const heir = others[transfer % others.length]!;
    // Answered once the heir leads; nobody asks meanwhile who does, which would take the cores that are measured.
    const isDone = await request(leader, 'POST', '/v1/raft/leader', { node: heir.rpcAddress });
    await setTimeout(PAUSE_MS);
    gapUs.recordValue(Math.round(writing.takeLongestMs() * 1000));
    if (isDone) leader = heir;
    else {
      refused++;
      leader = (await readyLeader(group.metas)).node;
    }
  }
} finally {
  await writing?.stop();
  await group.stop();
}

const results = {
  node: process.version,
  transfers,
  refused,
  acknowledged: writing.acknowledged,
  withTransfer: spreadOf(gapUs),
  without: spreadOf(calmUs),
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else
  console.log(`
${transfers} transfers of the lead, ${refused} refused; ${results.acknowledged} writes
  longest time without a write, with a transfer  ${formatSpread(results.withTransfer)}
  the same without                               ${formatSpread(results.without)}`);
