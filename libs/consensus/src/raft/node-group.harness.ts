import { type Env, type LogEffect, type RegistryError, seededRandom } from '#model';
import type { StateMachine } from '../contract.js';
import { MemoryDisk, MemoryLogStore } from '../memory-log-store.js';
import type { NodeId, RaftMessage } from './contract.js';
import type { RaftNodeLimits } from './node-options.js';
import { RaftNode } from './node.js';
import type { Transport } from './transport.js';

/** Lists by name: every mistake in order, repetition or recovery shows in them. */
export type Command = { to: string; item: string | number };
export type State = Record<string, (string | number)[]>;
export type Node = RaftNode<Command, State, number>;

export const machine: StateMachine<Command, State, number> = {
  initial: () => ({}),
  apply(state, { to, item }) {
    if (item === 'explode') throw new Error('boom');
    const items = [...(state[to] ?? []), item];
    return { state: { ...state, [to]: items }, result: items.length };
  },
};

export const codec = {
  encode: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
};

/** Turns of the event loop in which nothing but promises moves: more than any write to a disk in memory takes. */
const TURNS = 60;

/** Virtual time: what is due happens in order, and every promise that can move has moved before what comes next. */
export class VirtualEnv implements Env {
  private time = 0;
  private due: { atMs: number; run: (() => void) | undefined }[] = [];
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  nowMs(): number {
    return this.time;
  }

  wallMs(): number {
    return this.time;
  }

  at(ms: number, run: () => void): () => void {
    const entry: (typeof this.due)[number] = { atMs: Math.max(ms, this.time), run };
    const place = this.due.findLastIndex(({ atMs }) => atMs <= entry.atMs);
    this.due.splice(place + 1, 0, entry);
    return () => {
      entry.run = undefined;
    };
  }

  async run(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  /** The whole machine sleeps: what would have been due comes late. */
  sleep(ms: number): void {
    this.time += ms;
  }

  /** @returns whether it came true within the time */
  async until(isTrue: () => boolean, withinMs = 10_000): Promise<boolean> {
    const endMs = this.time + withinMs;
    await this.settle();
    while (!isTrue()) {
      if (!this.due[0] || this.due[0].atMs > endMs) {
        this.time = endMs;
        return false;
      }
      const { atMs, run } = this.due.shift()!;
      this.time = Math.max(this.time, atMs);
      if (!run) continue;
      run();
      await this.settle();
    }
    return true;
  }

  private async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await null;
  }
}

/** A group of nodes in one process, with disks in memory and a network that can be cut. */
export class Group {
  readonly env: VirtualEnv;
  readonly disks = new Map<NodeId, MemoryDisk>();
  readonly nodes = new Map<NodeId, Node>();
  readonly failures: { id: NodeId; failure: RegistryError }[] = [];
  readonly logged: (LogEffect & { id: NodeId })[] = [];
  /** Told of every message that is delivered. */
  onDelivery = (_from: NodeId, _to: NodeId, _message: RaftMessage): void => {};
  private readonly listeners = new Map<NodeId, (from: NodeId, message: RaftMessage) => void>();
  private readonly cut = new Set<string>();
  private sequence = 0;

  constructor(
    private readonly founders: NodeId[],
    private readonly limits: Partial<RaftNodeLimits> = {},
    seed = 1,
  ) {
    this.env = new VirtualEnv(seed);
  }

  async start(...ids: NodeId[]): Promise<void> {
    for (const id of ids.length > 0 ? ids : this.founders) {
      const disk = this.disks.get(id) ?? new MemoryDisk();
      this.disks.set(id, disk);
      const node = await RaftNode.open({
        id,
        ...(this.founders.includes(id) && { bootstrap: { voters: this.founders, learners: [] } }),
        store: new MemoryLogStore(disk),
        transport: this.transport(id),
        env: this.env,
        machine,
        codec,
        limits: this.limits,
        log: (line) => this.logged.push({ ...line, id }),
        onFailure: (failure) => this.failures.push({ id, failure }),
      });
      this.nodes.set(id, node);
    }
  }

  /** As by a power cut: what the disk had not synced is gone. */
  kill(id: NodeId): void {
    this.node(id).crash();
    this.nodes.delete(id);
    this.disks.get(id)!.loseUnsynced();
  }

  async stop(): Promise<void> {
    for (const node of this.nodes.values()) await node.close();
  }

  node(id: NodeId): Node {
    const node = this.nodes.get(id);
    if (!node) throw new Error(`${id} does not run.`);
    return node;
  }

  /** Nothing passes between these and the others until `heal`. */
  isolate(...ids: NodeId[]): void {
    for (const inside of ids)
      for (const outside of this.disks.keys()) {
        if (ids.includes(outside)) continue;
        this.cut.add(`${inside}>${outside}`);
        this.cut.add(`${outside}>${inside}`);
      }
  }

  heal(): void {
    this.cut.clear();
  }

  /** The one that leads in the highest term, once there is one that acts as such. */
  async leader(among: NodeId[] = [...this.nodes.keys()]): Promise<NodeId> {
    let leader: NodeId | undefined;
    const isFound = (): boolean => {
      leader = among
        .filter((id) => this.nodes.has(id) && isActing(this.node(id)))
        .toSorted((a, b) => this.node(b).status().term - this.node(a).status().term)[0];
      return leader !== undefined;
    };
    if (!(await this.env.until(isFound))) throw new Error('No node leads.');
    return leader!;
  }

  async propose(item: string | number, to = 'x', via?: NodeId): Promise<{ index: number; result: number }> {
    const node = this.node(via ?? (await this.leader()));
    return this.finish(node.propose({ client: `client ${to}`, sequence: ++this.sequence }, { to, item }));
  }

  async read(via?: NodeId): Promise<State> {
    return this.finish(this.node(via ?? (await this.leader())).read((state) => state, 'linearizable'));
  }

  /** Lets time go on until the promise is settled. */
  async finish<T>(promise: Promise<T>, withinMs = 10_000): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    if (!(await this.env.until(() => isSettled, withinMs))) throw new Error(`Not settled within ${withinMs} ms.`);
    return promise;
  }

  /** Every node that runs has applied what the leader has committed. */
  async converge(): Promise<void> {
    const leader = this.node(await this.leader());
    const goal = leader.status().commit;
    const isDone = (): boolean => [...this.nodes.values()].every((node) => node.status().applied >= goal);
    if (!(await this.env.until(isDone))) throw new Error(`Some have not applied ${goal}.`);
  }

  /** What each node holds, whoever leads. */
  async states(): Promise<State[]> {
    return Promise.all([...this.nodes.values()].map((node) => node.read((state) => state, { maxAgeMs: Infinity })));
  }

  private transport(id: NodeId): Transport {
    return {
      send: (to, message) => {
        const copy = structuredClone(message);
        const delayMs = 0.5 + this.env.random();
        this.env.at(this.env.nowMs() + delayMs, () => {
          if (this.cut.has(`${id}>${to}`)) return;
          const listener = this.listeners.get(to);
          if (!listener) return;
          this.onDelivery(id, to, copy);
          listener(id, copy);
        });
      },
      onMessage: (listener) => {
        this.listeners.set(id, listener);
        return () => this.listeners.delete(id);
      },
    };
  }
}

/** Leads, and has applied everything before its term. */
function isActing(node: Node): boolean {
  let leading = false;
  node.onLeadership((leadership) => {
    ({ leading } = leadership);
  })();
  return leading;
}
