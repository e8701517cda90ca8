import { seededRandom, type Failure, type Random } from '#model';
import type {
  Configuration,
  Entry,
  MembershipChange,
  NodeId,
  RaftEffect,
  RaftEvent,
  RaftLimits,
  RaftMessage,
} from './contract.js';
import type { RaftCore } from './core.js';
import { Disk, type Effect, Member, bytes, describe, text } from './member.harness.js';

export type Outcome = { ok: true; index: number } | { ok: false; failure: Failure };

const CHUNK_BYTES = 16;

export interface GroupOptions {
  seed?: number;
  /** Each way. With `latencyMs` alone messages of one way arrive in their order, with `jitterMs` they overtake others. */
  latencyMs?: number;
  jitterMs?: number;
  syncMs?: number;
  limits?: Partial<RaftLimits>;
}

/**
 * A group of cores on virtual time, with a network and disks that do as told. After every step it is checked that no
 * term has two leaders and that no two nodes have applied different entries at one index.
 */
export class Group {
  nowMs = 0;
  /** By call number. */
  readonly outcomes = new Map<number, Outcome>();
  readonly logs: string[] = [];
  /** Every message sent, as `n1>n2 append`. */
  readonly sent: { from: NodeId; to: NodeId; message: RaftMessage }[] = [];
  /** Elections won, as `term leader`. */
  readonly elections: string[] = [];
  loss = 0;
  /** One message in three arrives up to so much later. */
  lateMs = 0;
  private droppedTerm: number | undefined;
  private readonly members = new Map<NodeId, Member>();
  private readonly disks = new Map<NodeId, Disk>();
  private readonly cuts = new Set<string>();
  private readonly leaders = new Map<number, NodeId>();
  private readonly truth: string[] = [];
  private readonly random: Random;
  /** In the order in which it is due. */
  private readonly queue: { atMs: number; run: () => void }[] = [];
  private calls = 0;
  private starts = 0;
  private readonly founders: Configuration;

  constructor(
    founders: NodeId[],
    private readonly options: GroupOptions = {},
  ) {
    this.random = seededRandom(options.seed ?? 1);
    this.founders = { voters: founders, learners: [] };
    for (const id of founders) this.start(id);
  }

  /** Starts a node on its disk, which is empty at first. One that is not a founder knows of no group. */
  start(id: NodeId): void {
    const disk = this.disks.get(id) ?? new Disk();
    this.disks.set(id, disk);
    const bootstrap = this.founders.voters.includes(id) ? this.founders : { voters: [], learners: [] };
    const random = seededRandom((this.options.seed ?? 1) * 1000 + this.starts++);
    this.members.set(id, new Member(id, disk, bootstrap, random, this.options.limits ?? {}));
    this.step(id, { type: 'start' });
  }

  /** Puts a log and term on the disk of a founder before its first start. */
  found(id: NodeId, founders: NodeId[], { term, entries }: { term: number; entries: Entry[] }): void {
    this.founders.voters = founders;
    this.disks.set(id, Object.assign(new Disk(), { term, entries: [...entries] }));
  }

  /** Everything not synced is lost. */
  crash(id: NodeId): void {
    this.members.delete(id);
  }

  restart(id: NodeId): void {
    this.crash(id);
    this.start(id);
  }

  member(id: NodeId): Member {
    return this.members.get(id)!;
  }

  get running(): NodeId[] {
    return [...this.members.keys()];
  }

  status(id: NodeId): ReturnType<RaftCore['status']> {
    return this.member(id).core.status();
  }

  disk(id: NodeId): Disk {
    return this.disks.get(id)!;
  }

  log(id: NodeId): string {
    const { core } = this.member(id);
    const { first, last } = core.status();
    return Array.from({ length: last - first + 1 }, (_, i) => describe(core.entryAt(first + i)!)).join(' ');
  }

  /** The leader of the highest term, if there is one. */
  get leader(): NodeId | undefined {
    const leading = this.running.filter((id) => this.status(id).role === 'leader');
    return leading.sort((a, b) => this.status(b).term - this.status(a).term)[0];
  }

  elect(id?: NodeId): NodeId {
    if (id) {
      // Its time has come first.
      this.until(() => this.leader !== undefined);
      if (this.leader !== id) this.settle(this.transfer(id));
      return id;
    }
    this.until(() => this.leader !== undefined);
    return this.leader!;
  }

  propose(command: string, id = this.leader!): number {
    return this.ask(id, (call) => ({ type: 'propose', call, payload: bytes(command) }));
  }

  read(id = this.leader!): number {
    return this.ask(id, (call) => ({ type: 'read', call }));
  }

  change(type: MembershipChange['type'], node: NodeId, id = this.leader!): number {
    return this.ask(id, (call) => ({ type: 'change', call, change: { type, node } }));
  }

  transfer(to: NodeId, id = this.leader!): number {
    return this.ask(id, (call) => ({ type: 'transfer', call, to }));
  }

  /** Runs until the call is settled. */
  settle(call: number): Outcome {
    this.until(() => this.outcomes.has(call));
    return this.outcomes.get(call)!;
  }

  /** What a settled call has come to: its index, or the code of its failure. */
  outcome(call: number): number | string | undefined {
    const outcome = this.outcomes.get(call);
    return outcome?.ok === false ? outcome.failure.code : outcome?.index;
  }

  cut(a: NodeId, b: NodeId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  cutOneWay(from: NodeId, to: NodeId): void {
    this.cuts.add(`${from}>${to}`);
  }

  isolate(id: NodeId): void {
    for (const other of this.disks.keys()) if (other !== id) this.cut(id, other);
  }

  /** Appends arrive without the entries of this term, and what would follow them. */
  dropEntriesOfTerm(term: number | undefined): void {
    this.droppedTerm = term;
  }

  heal(): void {
    this.cuts.clear();
  }

  /** The node does nothing for so long; what reaches it meanwhile waits. Its timers come first then, as in Node. */
  stall(id: NodeId, ms: number): void {
    this.member(id).stalledUntilMs = this.nowMs + ms;
  }

  pauseDisk(id: NodeId): void {
    this.member(id).diskIsSlow = true;
  }

  resumeDisk(id: NodeId): void {
    const member = this.member(id);
    member.diskIsSlow = false;
    const writes = member.writes.splice(0).sort((a, b) => a.token - b.token);
    for (const write of writes) this.sync(member, write);
  }

  /** The host takes a snapshot of what the node has applied. */
  snapshot(id: NodeId): void {
    const member = this.member(id);
    const meta = { ...member.applied, configuration: member.configuration };
    member.disk.save(meta, [...member.state]);
    this.step(id, { type: 'compacted', meta });
  }

  snapshotIfAny(id: NodeId): void {
    const { applied, disk } = this.member(id);
    if (applied.index > (disk.snapshot?.meta.index ?? 0)) this.snapshot(id);
  }

  /** Hands a message to a node as if it had come over the network. */
  deliver(from: NodeId, to: NodeId, message: RaftMessage): void {
    if (this.members.has(to)) this.step(to, { type: 'received', from, message });
  }

  run(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.next() && this.queue[0]!.atMs <= endMs) this.advance();
    this.nowMs = endMs;
  }

  until(holds: () => boolean, maxMs = 20_000): void {
    const endMs = this.nowMs + maxMs;
    while (!holds()) {
      if (!this.next() || this.queue[0]!.atMs > endMs)
        throw new Error(`In ${maxMs} ms this did not come: ${String(holds)}`);
      this.advance();
    }
  }

  private ask(id: NodeId, event: (call: number) => RaftEvent): number {
    const call = ++this.calls;
    this.step(id, event(call));
    return call;
  }

  private next(): boolean {
    return this.queue.length > 0;
  }

  private advance(): void {
    const { atMs, run } = this.queue.shift()!;
    this.nowMs = Math.max(this.nowMs, atMs);
    run();
  }

  private after(ms: number, run: () => void): void {
    const atMs = this.nowMs + ms;
    const place = this.queue.findLastIndex((due) => due.atMs <= atMs);
    this.queue.splice(place + 1, 0, { atMs, run });
  }

  /** Runs for this run of the node; not for a later one, and not while the node stalls. */
  private awake(member: Member, priority: boolean, run: () => void): void {
    if (this.members.get(member.id) !== member) return;
    const waitMs = member.stalledUntilMs - this.nowMs;
    if (waitMs > 0) this.after(priority ? waitMs - 1e-6 : waitMs, () => run());
    else run();
  }

  private step(id: NodeId, event: RaftEvent): void {
    const member = this.member(id);
    const effects = member.core.step(this.nowMs, structuredClone(event));
    for (const effect of effects) this.perform(member, effect);
    const { role, term } = member.core.status();
    if (role !== 'leader') return;
    const other = this.leaders.get(term);
    if (other !== undefined && other !== id) throw new Error(`Both ${other} and ${id} lead in term ${term}.`);
    if (other === undefined) this.elections.push(`${term} ${id}`);
    this.leaders.set(term, id);
  }

  private perform(member: Member, effect: RaftEffect): void {
    const { id } = member;
    switch (effect.type) {
      case 'wake': {
        member.wakeAtMs = effect.atMs;
        this.after(Math.max(0, effect.atMs - this.nowMs), () =>
          this.awake(member, true, () => {
            if (member.wakeAtMs !== effect.atMs || this.members.get(id) !== member) return;
            member.wakeAtMs = undefined;
            this.step(id, { type: 'wake' });
          }),
        );
        return;
      }
      case 'send':
        return this.transmit(id, effect.to, effect.message);
      case 'persist':
      case 'storeChunk':
        if (member.diskIsSlow) member.writes.push(effect);
        else this.sync(member, effect);
        return;
      case 'apply':
        return this.apply(member, effect.entries);
      case 'readChunk':
        return this.readChunk(member, effect);
      case 'settled':
        if (this.outcomes.has(effect.call)) throw new Error(`Call ${effect.call} was settled twice.`);
        this.outcomes.set(effect.call, effect.outcome);
        return;
      case 'log':
        this.logs.push(`${id} ${effect.event}`);
        return;
      case 'leadership':
        return;
    }
  }

  private transmit(from: NodeId, to: NodeId, message: RaftMessage): void {
    this.sent.push({ from, to, message });
    if (this.cuts.has(`${from}>${to}`) || this.random() < this.loss) return;
    const copy = structuredClone(message);
    if (copy.kind === 'append') copy.entries = copy.entries.filter((entry) => entry.term !== this.droppedTerm);
    const { latencyMs = 1, jitterMs = 0 } = this.options;
    const lateMs = this.lateMs > 0 && this.random() < 0.33 ? this.random() * this.lateMs : 0;
    this.after(latencyMs + this.random() * jitterMs + lateMs, () => {
      const member = this.members.get(to);
      if (!member || this.cuts.has(`${from}>${to}`)) return;
      this.awake(member, false, () => {
        if (this.members.get(to) === member) this.step(to, { type: 'received', from, message: copy });
      });
    });
  }

  private sync(member: Member, write: Effect<'persist'> | Effect<'storeChunk'>): void {
    this.after(this.options.syncMs ?? 1, () => {
      if (this.members.get(member.id) !== member) return;
      if (member.diskIsSlow) {
        member.writes.push(write);
        return;
      }
      if (write.type === 'persist') member.disk.write(write);
      else this.storeChunk(member, write);
      this.awake(member, false, () => {
        if (this.members.get(member.id) === member) this.step(member.id, { type: 'persisted', token: write.token });
      });
    });
  }

  private storeChunk(member: Member, { meta, offset, bytes: chunk, last }: Effect<'storeChunk'>): void {
    if (offset === 0) member.incoming = [];
    member.incoming.push(chunk);
    if (!last) return;
    const state = JSON.parse(member.incoming.map((part) => text(part)).join('')) as string[];
    member.disk.save(meta, state);
    member.state.splice(0, Infinity, ...state);
    member.applied = { index: meta.index, term: meta.term };
    member.configuration = meta.configuration;
  }

  private readChunk(member: Member, { to, meta, offset }: Effect<'readChunk'>): void {
    const { snapshot } = member.disk;
    const start = snapshot?.meta.index === meta.index ? offset : 0;
    const whole = bytes(JSON.stringify(snapshot!.state));
    const chunk = whole.slice(start, start + CHUNK_BYTES);
    const last = start + chunk.length === whole.length;
    this.after(0, () => {
      if (this.members.get(member.id) !== member) return;
      this.step(member.id, { type: 'chunk', to, meta: snapshot!.meta, offset: start, bytes: chunk, last });
    });
  }

  private apply(member: Member, entries: Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== member.applied.index + 1)
        throw new Error(`${member.id} applies ${entry.index} after ${member.applied.index}.`);
      const truth = (this.truth[entry.index] ??= describe(entry));
      if (truth !== describe(entry)) throw new Error(`${member.id} applies ${describe(entry)}, another ${truth}.`);
      member.applied = { index: entry.index, term: entry.term };
      if (entry.kind === 'command') member.state.push(text(entry.payload));
      if (entry.kind === 'configuration') member.configuration = entry.configuration;
    }
    const { index } = member.applied;
    this.after(0, () => {
      if (this.members.get(member.id) === member) this.step(member.id, { type: 'applied', index });
    });
  }
}
