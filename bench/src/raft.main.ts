import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClassicLevel } from 'classic-level';
import { type LogWrite, type NodeId, RaftNode, type RaftMessage, type Transport } from '#consensus';
import { LevelLogStore } from '#store';
import { pack, unpack } from '#wire';

const HELP = `Measures how many small proposals a Raft group of three commits in one process, with real LevelDB logs and
messages in memory, beside three plain streams of synced LevelDB batches of the same bytes, in interleaved rounds.

  node scripts/run.mjs bench/src/raft.main.js [--rounds N] [--seconds S] [--in-flight N] [--bytes N]
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    'in-flight': { type: 'string', default: '256' },
    bytes: { type: 'string', default: '128' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const rounds = Number(values.rounds);
const inFlight = Number(values['in-flight']);
const payload = new Uint8Array(Number(values.bytes)).fill(7);
const measuredMs = Number(values.seconds) * 1000;
const warmUpMs = Math.min(1000, measuredMs);

const env = {
  nowMs: () => performance.now(),
  random: () => Math.random(),
  at(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, Math.max(0, ms - performance.now()));
    return () => clearTimeout(timer);
  },
};

const machine = {
  initial: () => 0,
  apply: (count: number, _command: Uint8Array) => ({ state: count + 1, result: count + 1 }),
};

const codec = { encode: (value: unknown) => pack(value), decode: (bytes: Uint8Array) => unpack(bytes) };

/**
 * Messages arrive in the next turn of the event loop, without being encoded: those sent in one turn together, as they
 * would in one packet.
 */
class Switchboard {
  readonly listeners = new Map<NodeId, (from: NodeId, message: RaftMessage) => void>();
  messages = 0;
  private underway: { from: NodeId; to: NodeId; message: RaftMessage }[] = [];

  transport(id: NodeId): Transport {
    return {
      send: (to, message) => {
        this.messages++;
        if (this.underway.push({ from: id, to, message }) === 1) setImmediate(() => this.deliver());
      },
      onMessage: (listener) => {
        this.listeners.set(id, listener);
        return () => this.listeners.delete(id);
      },
    };
  }

  private deliver(): void {
    const arrived = this.underway;
    this.underway = [];
    for (const { from, to, message } of arrived) this.listeners.get(to)?.(from, message);
  }
}

class CountingStore extends LevelLogStore {
  writes = 0;
  entries = 0;

  override write(change: LogWrite): Promise<void> {
    this.writes++;
    this.entries += change.entries?.length ?? 0;
    return super.write(change);
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-raft-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface RaftRound {
  perSecond: number;
  /** Entries in one write of the leader, on average. */
  batch: number;
  p50Ms: number;
  p99Ms: number;
  messagesPerCommit: number;
  elections: number;
}

async function raft(folder: string): Promise<RaftRound> {
  const ids = ['a', 'b', 'c'];
  const switchboard = new Switchboard();
  const stores = ids.map((id) => new CountingStore(join(folder, id)));
  const nodes = await Promise.all(
    ids.map((id, i) =>
      RaftNode.open({
        id,
        bootstrap: { voters: ids, learners: [] },
        store: stores[i]!,
        transport: switchboard.transport(id),
        env,
        machine,
        codec,
        onFailure: (failure) => {
          throw failure;
        },
      }),
    ),
  );
  try {
    const leader = await new Promise<number>((resolve) => {
      for (const [i, node] of nodes.entries()) node.onLeadership(({ leading }) => leading && resolve(i));
    });
    const node = nodes[leader]!;
    const store = stores[leader]!;
    const { term } = node.status();
    const latencies: number[] = [];
    const run = { measured: false, over: false };
    const client = async (number: number): Promise<void> => {
      for (let sequence = 1; !run.over; sequence++) {
        const begun = performance.now();
        await node.propose({ client: `client ${number}`, sequence }, payload);
        if (run.measured) latencies.push(performance.now() - begun);
      }
    };
    const clients = Array.from({ length: inFlight }, (_, number) => client(number));
    await wait(warmUpMs);
    const before = { writes: store.writes, entries: store.entries, messages: switchboard.messages };
    const begun = performance.now();
    run.measured = true;
    await wait(measuredMs);
    run.over = true;
    const elapsedMs = performance.now() - begun;
    const writes = store.writes - before.writes;
    const commits = latencies.length;
    const messages = switchboard.messages - before.messages;
    await Promise.all(clients);
    latencies.sort((a, b) => a - b);
    return {
      perSecond: (commits * 1000) / elapsedMs,
      batch: (store.entries - before.entries) / writes,
      p50Ms: latencies[Math.floor(commits * 0.5)]!,
      p99Ms: latencies[Math.floor(commits * 0.99)]!,
      messagesPerCommit: messages / commits,
      elections: node.status().term - term,
    };
  } finally {
    for (const node of nodes) await node.close();
  }
}

/** Entries per second of one of three streams, on average, each writing one synced batch after another. */
async function streams(folder: string, batch: number): Promise<number> {
  const written = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const db = new ClassicLevel<string, Uint8Array>(join(folder, name), { valueEncoding: 'view' });
      await db.open();
      let next = 0;
      let counted = 0;
      const write = async (): Promise<void> => {
        const operations = [];
        for (let i = 0; i < batch; i++) {
          operations.push({
            type: 'put' as const,
            key: `entry/${(next++).toString(16).padStart(14, '0')}`,
            value: payload,
          });
        }
        await db.batch(operations, { sync: true });
      };
      const warmUntil = performance.now() + warmUpMs;
      while (performance.now() < warmUntil) await write();
      const begun = performance.now();
      const until = begun + measuredMs;
      while (performance.now() < until) {
        await write();
        counted += batch;
      }
      const perSecond = (counted * 1000) / (performance.now() - begun);
      await db.close();
      return perSecond;
    }),
  );
  return written.reduce((sum, each) => sum + each, 0) / written.length;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`.padStart(11);

console.log(`${inFlight} proposals of ${payload.length} bytes in flight; ${rounds} rounds of ${values.seconds} s each`);
const ratios: { own: number; full: number }[] = [];
for (let round = 1; round <= rounds; round++) {
  const group = await inFolder(raft);
  const batch = Math.max(1, Math.round(group.batch));
  const own = await inFolder((folder) => streams(folder, batch));
  const full = await inFolder((folder) => streams(folder, inFlight));
  ratios.push({ own: group.perSecond / own, full: group.perSecond / full });
  console.log(
    `round ${round}: raft ${perSecond(group.perSecond)} (p50 ${group.p50Ms.toFixed(1)} ms, p99 ${group.p99Ms.toFixed(1)} ms, ` +
      `${group.batch.toFixed(0)} entries a write, ${group.messagesPerCommit.toFixed(2)} messages a commit, ` +
      `${group.elections} elections)  streams of ${batch}: ${perSecond(own)}  of ${inFlight}: ${perSecond(full)}`,
  );
}
console.log(`ratio to plain streams of the same batch size: ${median(ratios.map(({ own }) => own)).toFixed(2)}`);
console.log(`ratio to plain streams of ${inFlight} a batch: ${median(ratios.map(({ full }) => full)).toFixed(2)}`);
