import { join } from 'node:path';
import { type LogWrite, type NodeId, RaftNode, type RaftMessage, type Transport } from '#consensus';
import { LevelLogStore } from '#store';
import { pack, unpack } from '#wire';
import { type Window, wait } from './window.js';

const IDS = ['a', 'b', 'c'];

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

const codec = { encode: (value: unknown) => pack(value), decode: (bytes: Uint8Array) => unpack(bytes, 'view') };

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

export interface GroupRound {
  perSecond: number;
  /** Entries in one write of the leader, on average. */
  batch: number;
  p50Ms: number;
  p99Ms: number;
  messagesPerCommit: number;
  elections: number;
}

/** Three nodes in this process, with LevelDB stores below the folder, and clients that each have one proposal under way. */
export async function groupRound(
  folder: string,
  { payload, inFlight, window }: { payload: Uint8Array; inFlight: number; window: Window },
): Promise<GroupRound> {
  const switchboard = new Switchboard();
  const stores = IDS.map((id) => new CountingStore(join(folder, id)));
  const nodes = await Promise.all(
    IDS.map((id, i) =>
      RaftNode.open({
        id,
        bootstrap: { voters: IDS, learners: [] },
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
    await wait(window.warmUpMs);
    const before = { writes: store.writes, entries: store.entries, messages: switchboard.messages };
    const begun = performance.now();
    run.measured = true;
    await wait(window.measuredMs);
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
