import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { count } from '../options.js';
import { type GroupRound, groupRound } from './group.js';
import { streamsRound } from './streams.js';

const HELP = `Measures how many small proposals a Raft group of three commits in one process, with real LevelDB logs and messages in
memory, beside three plain streams of synced LevelDB batches: of the same payload, of as many entries a batch as the
leader writes at a time on average, by the same calls, all three at once in the same process. Rounds of the one and of
the other take turns; the ratio of a round is that of the group's rate to the mean of the streams' before and after it.

  node scripts/run.mjs bench/src/raft/main.js [--rounds N] [--seconds S] [--in-flight N] [--bytes N] [--json]

  --rounds N     how often (default 7)
  --seconds S    measured in each, after a second to warm up (default 3)
  --in-flight N  proposals under way at any time (default 256)
  --bytes N      payload of a proposal (default 128)
  --json         print the results as JSON
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    'in-flight': { type: 'string', default: '256' },
    bytes: { type: 'string', default: '128' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const rounds = count('rounds', values.rounds);
const inFlight = count('in-flight', values['in-flight']);
const payload = new Uint8Array(count('bytes', values.bytes)).fill(7);
const measuredMs = count('seconds', values.seconds) * 1000;
const window = { warmUpMs: Math.min(1000, measuredMs), measuredMs };

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-raft-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Round extends GroupRound {
  streamsPerSecond: number;
  ratio: number;
}

const results: Round[] = [];
const show = (perSecond: number): string => `${Math.round(perSecond).toLocaleString('en')}/s`.padStart(9);
const say = (line: string): void => void (values.json || console.log(line));

say(`${inFlight} proposals of ${payload.length} bytes in flight; ${rounds} rounds of ${values.seconds} s each`);
// The first tells how large the batches are, and warms the code.
let batch = Math.max(
  1,
  Math.round((await inFolder((folder) => groupRound(folder, { payload, inFlight, window }))).batch),
);
const streams = (): Promise<number> => inFolder((folder) => streamsRound(folder, { payload, batch, window }));
let before = await streams();
for (let round = 1; round <= rounds; round++) {
  const group = await inFolder((folder) => groupRound(folder, { payload, inFlight, window }));
  batch = Math.max(1, Math.round(group.batch));
  const after = await streams();
  const streamsPerSecond = (before + after) / 2;
  before = after;
  const ratio = group.perSecond / streamsPerSecond;
  results.push({ ...group, streamsPerSecond, ratio });
  say(
    `round ${round}: raft ${show(group.perSecond)} (p50 ${group.p50Ms.toFixed(1)} ms, p99 ${group.p99Ms.toFixed(1)} ms, ` +
      `${group.batch.toFixed(0)} entries a write, ${group.messagesPerCommit.toFixed(2)} messages a commit, ` +
      `${group.elections} elections)  a stream ${show(streamsPerSecond)}  ratio ${ratio.toFixed(2)}`,
  );
}

const summary = (of: (round: Round) => number) => {
  const sorted = results.map(of).toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, min: sorted[0]!, max: sorted.at(-1)! };
};
const [raft, plain, ratio] = [
  summary(({ perSecond }) => perSecond),
  summary(({ streamsPerSecond }) => streamsPerSecond),
  summary((round) => round.ratio),
];
if (values.json) console.log(JSON.stringify({ node: process.version, raft, plain, ratio, rounds: results }, null, 2));
else {
  console.log(`median of raft ${show(raft.median)}, of a stream ${show(plain.median)}`);
  console.log(`ratio ${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`);
}
