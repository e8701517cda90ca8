import {
  type Configuration,
  type Entry,
  type MembershipChange,
  type NodeId,
  RaftCore,
  type RaftEffect,
  type RaftEvent,
  type RaftMessage,
  type RaftStatus,
  type SnapshotMeta,
} from '#consensus';
import { type Failure, type Random, failure } from '#model';
import { SimProcess, Violation } from '#sim';
import { type DiskWrite, RaftDisk, concat, keyOf } from './disk.js';
import type { Group } from './group.js';
import { LogView } from './log-view.js';
import { type Command, ListMachine, type Outcome, decodeCommand, encodeCommand } from './machine.js';

const SNAPSHOT_EVERY = 25;
const NOBODY: Configuration = { voters: [], learners: [] };

type Settled = Extract<RaftEffect, { type: 'settled' }>['outcome'];
type Chunk = Extract<RaftEffect, { type: 'storeChunk' }>;
export type Answer<T> = (answer: { ok: true; value: T } | { ok: false; failure: Failure }) => void;

/**
 * A node of the group: one disk, and one process after the other on it. It does what any host of the core must, step
 * for step under virtual time. Effects are performed in the order given: a persist is handed to the disk, which syncs
 * in that order and then says so to the core; messages leave at once, since the core keeps back what must wait; entries
 * are applied in order, after the turn.
 */
export class SimNode {
  readonly id: NodeId;
  readonly disk: RaftDisk;
  /** What the core must hold, judged by its effects; the disk holds it once it is synced. */
  log = new LogView();
  status!: RaftStatus;
  machine = new ListMachine(NOBODY);
  process: SimProcess;
  core!: RaftCore;
  /** The process dies once it has performed this many more effects. */
  effectsUntilCrash = Infinity;
  /** Its disk is gone too; it never comes back. */
  destroyed = false;
  /** Whether one `persisted` is said for everything that was synced together. */
  private readonly joinsWrites: boolean;
  private readonly random: Random;
  private cancelWake: (() => void) | undefined;
  private calls = new Map<number, (outcome: Settled) => void>();
  private lastCall = 0;
  private waiting: { index: number; run: () => void }[] = [];
  private outcomes = new Map<number, { command: Command; outcome: Outcome }>();
  private snapshotting = false;
  private incoming: { key: string; parts: Uint8Array[]; size: number } = { key: '', parts: [], size: 0 };
  private nextToApply = 1;
  /** Applying takes time, and what was asked for first comes first. */
  private applyDueMs = 0;

  constructor(
    readonly group: Group,
    readonly order: number,
    readonly bootstrap: Configuration,
  ) {
    this.id = `n${order}`;
    this.random = group.fork();
    this.joinsWrites = this.random() < 0.5;
    this.disk = new RaftDisk(
      group.clock,
      group.fork(),
      (write, before) => group.observe((each) => each.written?.(this, write, before)),
      () => this.diskFailed(),
    );
    this.process = new SimProcess(this.id, group.clock);
    this.process.die();
  }

  get dead(): boolean {
    return this.process.dead;
  }

  get running(): boolean {
    return this.process.running;
  }

  get reachable(): boolean {
    return !this.dead;
  }

  /** Calls to the core that it has not settled. */
  get openCalls(): number {
    return this.calls.size;
  }

  get leading(): boolean {
    return this.running && this.status.role === 'leader';
  }

  start(): void {
    if (!this.dead || this.destroyed) return;
    const { group, disk } = this;
    this.process = new SimProcess(this.id, group.clock);
    this.effectsUntilCrash = Infinity;
    this.calls = new Map();
    this.waiting = [];
    this.outcomes = new Map();
    this.snapshotting = false;
    this.incoming = { key: '', parts: [], size: 0 };
    const restored = disk.read();
    this.log = disk.log.copy();
    this.nextToApply = disk.log.baseIndex + 1;
    if (disk.snapshot) this.restore(disk.snapshot.bytes, disk.snapshot.meta, disk.snapshot.size);
    else this.machine = new ListMachine(this.bootstrap);
    const options = {
      ...{ id: this.id, restored, bootstrap: this.bootstrap, random: group.fork(), limits: group.options.limits },
    };
    this.core = new RaftCore(options);
    this.status = this.core.status();
    group.observe((each) => each.started?.(this));
    this.step({ type: 'start' });
  }

  crash(): void {
    if (this.dead) return;
    const { exercised } = this.group;
    this.process.die();
    this.cancelWake?.();
    this.cancelWake = undefined;
    exercised.count('crashes');
    if (this.disk.busy) exercised.count('crashes inside writes');
    if (this.incoming.size > 0) exercised.count('installations broken off by a crash');
    const { survived, lost } = this.disk.crash();
    exercised.count('unsynced writes that survived', survived);
    exercised.count('unsynced writes lost', lost);
    this.group.note(this.id, `crashed: ${survived} unsynced writes survived, ${lost} were lost`);
  }

  /** A failed write is final: nobody knows what of it has got to the disk, so the process says nothing more and ends. */
  private diskFailed(): void {
    this.group.exercised.count('failed writes');
    this.group.note(this.id, 'a write has failed');
    this.crash();
  }

  destroy(): void {
    this.crash();
    this.destroyed = true;
  }

  receive(from: NodeId, message: RaftMessage): void {
    this.process.deliver(() => this.step({ type: 'received', from, message }));
  }

  missed(peer: NodeId): void {
    this.process.deliver(() => this.step({ type: 'unreachable', peer }));
  }

  propose(command: Command, answer: Answer<number>): void {
    this.call(
      (call) => ({ type: 'propose', call, payload: encodeCommand(command) }),
      (outcome) => {
        if (!outcome.ok) return answer(outcome);
        this.whenApplied(outcome.index, () => this.answerProposal(command, outcome.index, answer));
      },
    );
  }

  read(key: string, answer: Answer<readonly string[]>): void {
    const list = (): void => answer({ ok: true, value: [...(this.machine.lists.get(key) ?? [])] });
    this.process.deliver(() => {
      if (this.group.flaws.readAtOnce?.(this)) return list();
      this.call(
        (call) => ({ type: 'read', call }),
        (outcome) => (outcome.ok ? this.whenApplied(outcome.index, list) : answer(outcome)),
      );
    });
  }

  change(change: MembershipChange, answer: Answer<number>): void {
    this.call(
      (call) => ({ type: 'change', call, change }),
      (outcome) => answer(outcome.ok ? { ok: true, value: outcome.index } : outcome),
    );
  }

  transfer(to: NodeId, answer: Answer<number>): void {
    this.call(
      (call) => ({ type: 'transfer', call, to }),
      (outcome) => answer(outcome.ok ? { ok: true, value: outcome.index } : outcome),
    );
  }

  private call(event: (call: number) => RaftEvent, settled: (outcome: Settled) => void): void {
    this.process.deliver(() => {
      const call = ++this.lastCall;
      this.calls.set(call, settled);
      this.step(event(call));
    });
  }

  private step(told: RaftEvent): void {
    const { group, process } = this;
    const event = group.flaws.event?.(this, told) ?? told;
    const before = this.status;
    const effects = this.core.step(group.nowMs, event);
    group.flaws.afterStep?.(this, event);
    this.status = this.core.status();
    for (const effect of effects) this.follow(effect);
    if (event.type === 'compacted') this.log.rebase(event.meta);
    group.stepped(this, event, effects, before);
    for (const effect of effects) {
      this.perform(effect);
      if (--this.effectsUntilCrash <= 0 && !process.dead) {
        group.exercised.count('crashes between effects');
        this.crash();
      }
      if (process.dead) return;
    }
  }

  /** What the effect does to the log that the core holds. */
  private follow(effect: RaftEffect): void {
    if (effect.type === 'storeChunk' && effect.last) this.log.rebase(effect.meta);
    if (effect.type !== 'persist') return;
    if (effect.truncateFrom !== undefined) {
      const cut = this.log.truncateFrom(effect.truncateFrom);
      if (cut.length > 0) this.group.exercised.count('conflicts truncated');
    }
    if (!effect.entries) return;
    if (effect.entries[0]!.index !== this.log.last + 1)
      throw new Violation('log matching', `${this.id} appends ${effect.entries[0]!.index} after ${this.log.last}`);
    this.log.put(effect.entries);
  }

  private perform(effect: RaftEffect): void {
    switch (effect.type) {
      case 'persist':
        return this.persist(effect);
      case 'send':
        this.group.observe((each) => each.sent?.(this, effect.to, effect.message));
        return this.group.network.send(this.id, effect.to, effect.message);
      case 'apply':
        return this.apply(effect.entries);
      case 'storeChunk':
        return this.storeChunk(effect);
      case 'readChunk':
        return this.readChunk(effect.to, effect.offset);
      case 'wake':
        this.cancelWake?.();
        this.cancelWake = this.process.timer(effect.atMs, () => this.step({ type: 'wake' }));
        return;
      case 'settled': {
        const settled = this.calls.get(effect.call);
        if (!settled) throw new Violation('settled once', `${this.id} settles call ${effect.call} which is not open`);
        this.calls.delete(effect.call);
        return settled(effect.outcome);
      }
      case 'log':
        if (effect.level === 'error')
          throw new Violation('no errors', `${this.id} says ${effect.event} ${JSON.stringify(effect.fields)}`);
        return this.group.note(this.id, `${effect.event} ${JSON.stringify(effect.fields ?? {})}`);
      case 'leadership':
        return;
    }
  }

  private persist(effect: RaftEffect & { type: 'persist' }): void {
    const { token, hardState, truncateFrom, entries } = effect;
    const write: DiskWrite = {
      kind: 'persist',
      ...(hardState ? { hardState } : {}),
      ...(truncateFrom === undefined ? {} : { truncateFrom }),
      ...(entries ? { entries } : {}),
    };
    const early = this.group.flaws.persistedEarly?.(this, effect) ?? false;
    const writes = this.group.flaws.writes?.(this, write) ?? [write];
    if (early) this.process.defer(() => this.step({ type: 'persisted', token }));
    for (const [i, each] of writes.entries())
      this.write(each, (last) => {
        if (i === writes.length - 1 && !early && (last || !this.joinsWrites)) this.step({ type: 'persisted', token });
      });
  }

  /** What a disk finishes after the process has died is told to nobody. */
  private write(write: DiskWrite, done: (last: boolean) => void): void {
    const { process } = this;
    this.disk.write(write, (last) => process.deliver(() => done(last)));
  }

  private apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== this.nextToApply)
        throw new Violation('state machine safety', `${this.id} applies ${entry.index}, not ${this.nextToApply}`);
      this.nextToApply++;
    }
    this.applyDueMs = Math.max(this.applyDueMs, this.group.nowMs + this.random() * 2);
    this.process.timer(this.applyDueMs, () => {
      for (const entry of entries) {
        // A snapshot installed meanwhile covers it.
        if (entry.index <= this.machine.index) continue;
        const outcome = this.machine.apply(entry);
        if (outcome.status === 'repeated') this.group.exercised.count('duplicates suppressed');
        if (entry.kind === 'command')
          this.outcomes.set(entry.index, { command: decodeCommand(entry.payload), outcome });
        this.group.observe((each) => each.applied?.(this, entry, outcome));
      }
      this.step({ type: 'applied', index: this.machine.index });
      this.released();
      this.snapshotIfDue();
    });
  }

  private whenApplied(index: number, run: () => void): void {
    if (this.machine.index >= index) run();
    else this.waiting.push({ index, run });
  }

  private released(): void {
    const due = this.waiting.filter(({ index }) => index <= this.machine.index);
    this.waiting = this.waiting.filter(({ index }) => index > this.machine.index);
    for (const { run } of due) run();
  }

  private answerProposal(command: Command, index: number, answer: Answer<number>): void {
    const found = this.outcomes.get(index);
    // A snapshot was installed over it: it is in there, and its result is not known here.
    if (!found) return answer({ ok: false, failure: failure('NOT_LEADER', 'The result is not known here.') });
    if (found.command.value !== command.value)
      throw new Violation('durability', `${this.id} acknowledged ${command.value} at ${index}, where another stands`);
    if ('length' in found.outcome) answer({ ok: true, value: found.outcome.length });
    else answer({ ok: false, failure: failure('BAD_REQUEST', 'The sequence was superseded.') });
  }

  private snapshotIfDue(): void {
    const { machine, disk, group } = this;
    if (this.snapshotting || this.dead || machine.index - disk.log.baseIndex < SNAPSHOT_EVERY) return;
    this.snapshotting = true;
    const bytes = machine.encode();
    const index = group.flaws.snapshotIndex?.(this) ?? machine.index;
    const term = index === machine.index ? machine.term : (this.log.termAt(index) ?? machine.term);
    const meta: SnapshotMeta = { index, term, configuration: machine.configuration };
    this.saveSnapshot(meta, bytes, () => {
      this.snapshotting = false;
      if (disk.snapshot?.meta !== meta) return;
      group.exercised.count('snapshots taken');
      this.step({ type: 'compacted', meta });
    });
  }

  private saveSnapshot(meta: SnapshotMeta, bytes: Uint8Array, saved: () => void): void {
    const size = this.group.options.chunkBytes;
    const writes: DiskWrite[] = [];
    for (let offset = 0; offset < bytes.length; offset += size)
      writes.push({ kind: 'chunk', meta, offset, bytes: bytes.slice(offset, offset + size) });
    writes.push({ kind: 'pointer', meta, size: bytes.length });
    const ordered = this.group.flaws.snapshotWrites?.(writes) ?? writes;
    for (const [i, write] of ordered.entries()) this.write(write, () => i === ordered.length - 1 && saved());
  }

  /** Keeps what belongs to one snapshot, from its beginning; the last chunk makes it count. */
  private storeChunk({ token, meta, offset, bytes, last }: Chunk): void {
    this.group.exercised.count('snapshot chunks received');
    if (offset === 0) this.incoming = { key: keyOf(meta), parts: [], size: 0 };
    if (this.incoming.key !== keyOf(meta) || this.incoming.size !== offset)
      throw new Violation('snapshot', `${this.id} stores a chunk at ${offset}, but has ${this.incoming.size} bytes`);
    this.incoming.parts.push(bytes);
    this.incoming.size += bytes.length;
    if (!last) {
      // In its turn behind what was asked for before, since `persisted` speaks for all of that too.
      this.write({ kind: 'chunk', meta, offset, bytes }, () => this.step({ type: 'persisted', token }));
      return;
    }
    const whole = concat(this.incoming.parts);
    this.incoming = { key: '', parts: [], size: 0 };
    this.saveSnapshot(meta, whole, () => {
      this.restore(whole, meta, whole.length);
      this.nextToApply = meta.index + 1;
      this.group.exercised.count('snapshots installed');
      this.group.note(this.id, `installed the snapshot ${keyOf(meta)}`);
      this.step({ type: 'persisted', token });
      this.released();
    });
  }

  private readChunk(to: NodeId, offset: number): void {
    this.process.timer(this.group.nowMs + this.random() * 2, () => {
      const { meta, bytes } = this.disk.snapshot!;
      const chunk = bytes.slice(offset, offset + this.group.options.chunkBytes);
      const last = offset + chunk.length >= bytes.length;
      this.step({ type: 'chunk', to, meta, offset, bytes: chunk, last });
    });
  }

  private restore(bytes: Uint8Array, meta: SnapshotMeta, size: number): void {
    if (bytes.length !== size)
      throw new Violation('snapshot', `${this.id} has ${bytes.length} of ${size} bytes of ${keyOf(meta)}`);
    try {
      this.machine = (this.group.flaws.decodeSnapshot ?? ListMachine.decode)(bytes);
    } catch {
      throw new Violation('snapshot', `${this.id} cannot read the ${size} bytes of ${keyOf(meta)}`);
    }
    // The state counts as of where its snapshot says it is.
    this.machine.index = meta.index;
    this.group.observe((each) => each.restored?.(this));
  }
}
