import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Push } from '#model';
import { Cluster, endOnSignals } from '../cluster.js';
import { count } from '../options.js';
import { memoryEnv, memoryOf } from '../size/session-memory.js';
import { latencies, median, percentilesOf, usSince } from '../harness/histograms.js';
import { ProtocolClient } from '../systems/rollcall/protocol-client.js';

const HELP = `One of many subscribers stops reading, while more is pushed to it than the kernel takes. Measures what that costs the session
server in memory and the others in time, in turns: some changes while it reads, some while it does not. Each time it reads
again, it must get the latest state.

  node scripts/run.mjs bench/src/push/stalled.main.js [options]

  --subscribers N  the one among them (1000)
  --turns N        of either kind (10)
  --changes N      of each turn (10)
  --bytes N        of each change, which is sent to all (4096)
  --stock          the one acknowledges nothing, as a stock client does; only its socket tells that it is slow
  --json           print the results as JSON
`;

const DATA_ID = 'bench.stalled';
const DEADLINE_MS = 20_000;
const REST_MS = 50;
/** To which only the one subscribes: some 13 MB, of which the kernel keeps up to ten for a reader that does not read. */
const FILLER = 'bench.filler';
const FILLING_CHANGES = 200;
const FILLING_BYTES = 64_000;

const { values: options } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    turns: { type: 'string', default: '10' },
    changes: { type: 'string', default: '10' },
    bytes: { type: 'string', default: '4096' },
    stock: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const subscribers = count('subscribers', options.subscribers);
const turns = count('turns', options.turns);
const changes = count('changes', options.changes);
const bytes = count('bytes', options.bytes);

endOnSignals();
const folder = await mkdtemp(join(tmpdir(), 'rollcall-stalled-'));
const cluster = await Cluster.open({
  ...{ dir: folder, meta: 1, data: 1, session: 1, basePort: 0 },
  env: memoryEnv(folder),
});
const clients: ProtocolClient[] = [];
const reading = latencies();
const stalling = latencies();
const ratios: number[] = [];
/** The last version that each subscriber was told, the one being the first. */
const told = new Int32Array(subscribers);
let version = 0;
let missing = 0;
let arrived: () => void = () => {};

async function within(done: Promise<void>, what: string): Promise<void> {
  const late = new AbortController();
  const timeout = setTimeout(DEADLINE_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(what);
  });
  await Promise.race([done, timeout]).finally(() => late.abort());
}

function take(subscriber: number, value: string): void {
  const seen = versionOf(value);
  if (seen <= told[subscriber]!) return;
  told[subscriber] = seen;
  if (subscriber > 0 && seen === version && --missing === 0) arrived();
}

let stamps = 0;
async function publish(publisher: ProtocolClient, dataId: string, value: number, size: number): Promise<void> {
  const data = [`${value}:`.padEnd(size, 'x')];
  const stamp = [1, ++stamps, 1];
  await publisher.call('registry.apply', { operations: [{ op: 'publish', dataId, registerId: dataId, data, stamp }] });
}

let filling = 0;
let filled = 0;
async function fill(publisher: ProtocolClient): Promise<void> {
  for (let change = 0; change < FILLING_CHANGES; change++) await publish(publisher, FILLER, ++filling, FILLING_BYTES);
}

const versionOf = (value: string): number => Number(value.slice(0, value.indexOf(':')));
const readTo =
  (read: (value: string) => void) =>
  (push: Push): void => {
    if ('publishers' in push) for (const { data } of push.publishers) read(data[0]!);
  };

/** Lets the one read again; answers how long it took until that had the latest state of both. */
async function resume(one: Socket): Promise<number> {
  const startMs = performance.now();
  one.resume();
  const hasAll = (): boolean => told[0]! >= version && filled >= filling;
  while (!hasAll()) {
    if (performance.now() - startMs > DEADLINE_MS) throw new Error('Who reads again has not got the latest state.');
    await setTimeout(1);
  }
  return performance.now() - startMs;
}

/** One change after another, each when it has reached everybody but the one. Answers the median. */
async function turn(publisher: ProtocolClient, histogram: typeof reading): Promise<number> {
  const all: number[] = [];
  for (let change = 0; change < changes; change++) {
    const done = new Promise<void>((resolve) => (arrived = resolve));
    version++;
    missing = subscribers - 1;
    const startMs = performance.now();
    const taken = publish(publisher, DATA_ID, version, bytes);
    await within(done, `Change ${version} has not reached ${missing} subscribers.`);
    all.push(usSince(startMs));
    histogram.recordValue(all.at(-1)!);
    await taken;
  }
  await setTimeout(REST_MS);
  return median(all);
}

let before: { rss: number; held: number };
let mostRss = 0;
let heldStalled = 0;
const caughtUpMs: number[] = [];
try {
  await cluster.start();
  const [session] = cluster.of('session');
  const port = session!.rpcPort;
  const publisher = await ProtocolClient.open(port);
  clients.push(publisher);
  await publish(publisher, DATA_ID, 0, bytes);
  for (let subscriber = 0; subscriber < subscribers; subscriber++) {
    const client = await ProtocolClient.open(port);
    clients.push(client);
    const acks = subscriber > 0 || !options.stock;
    if (subscriber === 0)
      await client.subscribe(
        FILLER,
        readTo((value) => (filled = versionOf(value))),
        acks,
      );
    await client.subscribe(
      DATA_ID,
      readTo((value) => take(subscriber, value)),
      acks,
    );
  }
  const one = clients[1]!.wire.socket;
  await turn(publisher, latencies());
  await turn(publisher, latencies());
  before = await memoryOf(session!, folder);
  for (let round = 0; round < turns; round++) {
    const normalUs = await turn(publisher, reading);
    one.pause();
    await fill(publisher);
    const stalledUs = await turn(publisher, stalling);
    ratios.push(stalledUs / normalUs);
    const memory = await memoryOf(session!, folder);
    mostRss = Math.max(mostRss, memory.rss);
    heldStalled = Math.max(heldStalled, memory.held);
    caughtUpMs.push(await resume(one));
  }
} finally {
  await cluster.kill();
  for (const client of clients) client.close();
  await rm(folder, { recursive: true, force: true });
}

const results = {
  node: process.version,
  subscribers,
  bytes,
  reading: percentilesOf(reading),
  stalling: percentilesOf(stalling),
  ratio: { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) },
  heldGrowthBytes: heldStalled - before.held,
  residentGrowthBytes: mostRss - before.rss,
  caughtUpMs: { median: median(caughtUpMs), most: Math.max(...caughtUpMs) },
};
if (options.json) console.log(JSON.stringify(results, null, 2));
else {
  const line = ({ p50, p99, max }: typeof results.reading): string =>
    `p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  max ${max.toFixed(1)} ms`;
  const { median: middle, least, most } = results.ratio;
  console.log(`
One of ${subscribers} subscribers stops reading; a change of ${bytes} bytes reaches the last of the others after
  while it reads          ${line(results.reading)}
  while it does not       ${line(results.stalling)}
  ratio of the turns      ${middle.toFixed(2)} (${least.toFixed(2)}-${most.toFixed(2)})
The session server then holds ${(results.heldGrowthBytes / 1e6).toFixed(2)} MB more at most, ${(results.residentGrowthBytes / 1e6).toFixed(2)} MB more are resident;
who reads again has the latest state after ${results.caughtUpMs.median.toFixed(0)} ms, ${results.caughtUpMs.most.toFixed(0)} at most.`);
}
