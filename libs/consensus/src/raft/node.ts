import { RegistryError } from '#model';
import type { Consensus } from '../contract.js';
import type { FeedItem } from '../feed.js';
import type { Applied, Proposal } from '../replicated.js';
import { Applier, beginning } from './applier.js';
import type { Entry, MembershipChange, NodeId, RaftEffect, RaftEvent, RaftLimits, SnapshotMeta } from './contract.js';
import { RaftCore } from './core.js';
import { decodeSnapshot, fromLogEntry } from './formats.js';
import { Freshness } from './freshness.js';
import { LogWriter } from './log-writer.js';
import {
  HOST_DEFAULTS,
  type HostLimits,
  type Leadership,
  type RaftNodeOptions,
  type RaftNodeStatus,
} from './node-options.js';
import { Snapshotting } from './snapshotting.js';
import { DEFAULT_LIMITS } from './state.js';

type Settled = Extract<RaftEffect, { type: 'settled' }>['outcome'];

/** Something asked of the core; told once what it came to. */
interface Call {
  resolve(index: number): void;
  reject(error: RegistryError): void;
}

/**
 * A node of a Raft group: the core, and around it the disk, the transport, the clock and the state machine. The core
 * decides; `perform` is the one place where what it decided happens, and keeps the order that is safe.
 */
export class RaftNode<Command, State, Result> implements Consensus<Command, State, Result> {
  private readonly limits: RaftLimits & HostLimits;
  private readonly writer: LogWriter;
  private readonly snapshots: Snapshotting;
  private readonly freshness = new Freshness();
  private readonly calls = new Map<number, Call>();
  private lastCall = 0;
  /** Events that came while another was being performed. */
  private readonly events: RaftEvent[] = [];
  private performing = false;
  private detach: (() => void)[] = [];
  private wake: { atMs: number; cancel(): void } | undefined;
  private leadership: Leadership = { term: 0, leading: false, leader: undefined };
  private announced = this.leadership;
  private readonly listeners = new Set<(leadership: Leadership) => void>();
  private failure: RegistryError | undefined;
  private ended: RegistryError | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: RaftNodeOptions<Command, State, Result>,
    private readonly core: RaftCore,
    private readonly applier: Applier<Command, State, Result>,
    saved: { meta: SnapshotMeta; bytes: Uint8Array } | undefined,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...HOST_DEFAULTS, ...options.limits };
    this.writer = new LogWriter(
      options.store,
      this.limits.writeBytes,
      (token) => this.dispatch({ type: 'persisted', token }),
      (error) => this.fail(error),
    );
    const tell = (event: RaftEvent): void => this.dispatch(event);
    this.snapshots = new Snapshotting(applier, this.writer, this.limits, tell, saved);
  }

  /**
   * Opens the store and takes part.
   * @throws RegistryError STORE_CORRUPT, STORE_LOCKED; STORE_FAILED, also when another version wrote the log
   */
  static async open<Command, State, Result>(
    options: RaftNodeOptions<Command, State, Result>,
  ): Promise<RaftNode<Command, State, Result>> {
    const limits = { ...DEFAULT_LIMITS, ...HOST_DEFAULTS, ...options.limits };
    const { id, bootstrap, store, env } = options;
    const { term, vote, snapshot: saved, entries } = await store.open();
    try {
      const bytes = saved?.payload;
      const snapshot: SnapshotMeta | null = saved && {
        index: saved.index,
        term: saved.term,
        configuration: decodeSnapshot(saved.payload).configuration,
      };
      const restored = { term, vote, snapshot, entries: entries.map(fromLogEntry) };
      const core = new RaftCore({ id, restored, bootstrap, random: () => env.random(), limits });
      const position = snapshot ?? beginning(bootstrap ?? { voters: [], learners: [] });
      const applier = new Applier({ ...options, limits }, position, bytes);
      const held = snapshot && bytes ? { meta: snapshot, bytes } : undefined;
      const node = new RaftNode(options, core, applier, held);
      node.start();
      return node;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  propose(id: { client: string; sequence: number }, command: Command): Promise<{ index: number; result: Result }> {
    return new Promise((resolve, reject) => {
      const proposal: Proposal<Command> = { client: id.client, sequence: id.sequence, command };
      // Encoded now, so that what is logged is what was proposed, whatever the caller does to the object later.
      const payload = this.options.codec.encode(proposal);
      const applied = (outcome: Applied<Result>): void => {
        if (outcome.status === 'superseded') reject(superseded(outcome.lastSequence));
        else resolve({ index: outcome.index, result: outcome.result });
      };
      const call = this.register({
        resolve: (index) => this.applier.outcomeAt(index, { resolve: applied, reject }),
        reject,
      });
      this.dispatch({ type: 'propose', call, payload });
    });
  }

  async read<T>(query: (state: State) => T, mode: 'linearizable' | { maxAgeMs: number }): Promise<T> {
    if (this.ended) throw this.ended;
    if (mode !== 'linearizable') {
      const ageMs = this.ageMs();
      if (ageMs <= mode.maxAgeMs) return query(this.applier.state);
      if (!this.leadership.leading) throw tooOld(ageMs, this.leadership.leader);
    }
    const state = await new Promise<State>((resolve, reject) => {
      const call = this.register({
        resolve: (index) => this.applier.stateAt(index, { resolve, reject }),
        reject,
      });
      this.dispatch({ type: 'read', call });
    });
    return query(state);
  }

  watch(afterIndex: number): AsyncIterable<FeedItem<Command, State>> {
    return this.applier.feed.watch(afterIndex);
  }

  /**
   * `leading` is told once everything committed before has been applied here, so that a new leader acts on the state
   * that the one before it left.
   */
  onLeadership(listener: (leadership: Leadership) => void): () => void {
    this.listeners.add(listener);
    listener(this.announced);
    return () => this.listeners.delete(listener);
  }

  status(): RaftNodeStatus {
    const { failure } = this;
    return { ...this.core.status(), snapshotIndex: this.snapshots.index, ...(failure && { failure }) };
  }

  /** Undefined where the log has been compacted, and beyond its end. */
  entryAt(index: number): Entry | undefined {
    return this.core.entryAt(index);
  }

  /**
   * Resolves with its index once it is committed. One change at a time.
   * @throws RegistryError NOT_LEADER with `details.leader`, or what is wrong with the change
   */
  changeMembership(change: MembershipChange): Promise<number> {
    return this.call((call) => ({ type: 'change', call, change }));
  }

  /** Hands the lead to another voter; resolves when this node no longer leads. */
  async transfer(to: NodeId): Promise<void> {
    await this.call((call) => ({ type: 'transfer', call, to }));
  }

  /** Saves the state as it is now and drops the log before it, on this node alone. Resolves with the snapshot's index. */
  async snapshotNow(): Promise<number> {
    if (this.ended) throw this.ended;
    return this.snapshots.takeNow();
  }

  /** What is being written is finished; who waits is refused. A leader that is to go hands over first. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** For tests: gone in the middle of whatever it does, as by kill -9. The store is not closed. */
  crash(): void {
    this.end(closed());
    this.closing ??= Promise.resolve();
  }

  private start(): void {
    const { transport } = this.options;
    this.dispatch({ type: 'start' });
    this.detach.push(
      transport.onMessage((from, message) => {
        this.dispatch({ type: 'received', from, message });
        if (message.kind !== 'append') return;
        const { term, leader } = this.leadership;
        if (term !== message.term || leader !== from) return;
        this.freshness.contact(term, message.round, message.commit, this.options.env.nowMs());
        this.freshness.applied(this.applier.index, this.applier.term);
      }),
    );
    const ended = transport.onUnreachable?.((peer) => this.dispatch({ type: 'unreachable', peer }));
    if (ended) this.detach.push(ended);
  }

  private call(event: (call: number) => RaftEvent): Promise<number> {
    return new Promise((resolve, reject) => {
      this.dispatch(event(this.register({ resolve, reject })));
    });
  }

  private register(call: Call): number {
    if (this.ended) throw this.ended;
    this.calls.set(++this.lastCall, call);
    return this.lastCall;
  }

  /** One event at a time: what performing one brings about waits until it is done. */
  private dispatch(event: RaftEvent): void {
    if (this.ended) return;
    this.events.push(event);
    if (this.performing) return;
    this.performing = true;
    try {
      for (let next = this.events.shift(); next && !this.ended; next = this.events.shift())
        this.perform(this.core.step(this.options.env.nowMs(), next));
    } catch (error) {
      this.fail(error);
    } finally {
      this.performing = false;
    }
  }

  /**
   * Persist, send, apply, in this order:
   *
   * 1. What is to be written is handed to the writer first: one write in flight, in the order of the core's tokens.
   * 2. Messages go out at once. A message that vouches for something on disk (a vote, an acknowledgement) is not among
   *    them: the core holds it until it is told `persisted`. So a leader's entries travel while it syncs them.
   * 3. Committed entries are applied, and whoever waits for them is answered. The core hands out only what is also on
   *    this node's disk, so that a snapshot is never ahead of the log.
   */
  private perform(effects: RaftEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'persist') this.writer.persist(effect);
      else if (effect.type === 'storeChunk') this.snapshots.storeChunk(effect);
    }
    for (const effect of effects) {
      if (effect.type === 'send') this.options.transport.send(effect.to, effect.message);
    }
    for (const effect of effects) {
      switch (effect.type) {
        case 'log':
          this.options.log?.(effect);
          break;
        case 'leadership':
          this.follow(effect);
          break;
        case 'settled':
          this.settle(effect.call, effect.outcome);
          break;
        case 'apply':
          this.apply(effect.entries);
          break;
        case 'readChunk':
          this.snapshots.readChunk(effect);
          break;
        case 'wake':
          this.wakeAt(effect.atMs);
          break;
        default:
          break;
      }
    }
  }

  private apply(entries: Entry[]): void {
    this.applier.apply(entries);
    this.freshness.applied(this.applier.index, this.applier.term);
    this.announce();
    this.dispatch({ type: 'applied', index: this.applier.index });
    this.snapshots.takeIfDue();
  }

  private settle(call: number, outcome: Settled): void {
    const waiting = this.calls.get(call);
    this.calls.delete(call);
    if (outcome.ok) waiting?.resolve(outcome.index);
    else waiting?.reject(RegistryError.from(outcome.failure));
  }

  private follow({ term, leading, leader }: Leadership): void {
    this.leadership = { term, leading, leader };
    this.announce();
  }

  /** The entry with which a leader begins its term follows everything committed before. */
  private announce(): void {
    const { term, leader } = this.leadership;
    const leading = this.leadership.leading && this.applier.term === term;
    const last = this.announced;
    if (last.term === term && last.leading === leading && last.leader === leader) return;
    this.announced = { term, leading, leader };
    for (const listener of this.listeners) listener(this.announced);
  }

  /** A leader that was replaced without knowing it steps down within `checkQuorumMs`. */
  private ageMs(): number {
    if (!this.leadership.leading) return this.freshness.ageMs(this.options.env.nowMs());
    const { commit, applied } = this.core.status();
    return this.announced.leading && applied === commit ? this.limits.checkQuorumMs : Infinity;
  }

  private wakeAt(atMs: number): void {
    if (this.wake?.atMs === atMs) return;
    this.wake?.cancel();
    const cancel = this.options.env.at(atMs, () => {
      this.wake = undefined;
      this.dispatch({ type: 'wake' });
    });
    this.wake = { atMs, cancel };
  }

  /** For good: what the disk holds, or what the state is, is unknown from here on; nothing is acknowledged any more. */
  private fail(error: unknown): void {
    if (this.ended) return;
    this.failure =
      error instanceof RegistryError
        ? error
        : new RegistryError('INTERNAL', `The consensus engine has a defect: ${String(error)}`, { cause: error });
    this.options.log?.({
      type: 'log',
      level: 'error',
      event: 'consensus-failed',
      fields: { code: this.failure.code, reason: this.failure.message },
    });
    this.end(this.failure, this.failure);
    this.options.onFailure?.(this.failure);
  }

  private async shutDown(): Promise<void> {
    this.end(closed());
    await this.writer.stop();
    await this.options.store.close();
  }

  /** Nothing is said, written or answered after this. */
  private end(error: RegistryError, endOfFeed?: RegistryError): void {
    if (this.ended) return;
    this.ended = error;
    this.wake?.cancel();
    for (const detach of this.detach.splice(0)) detach();
    void this.writer.stop();
    for (const { reject } of this.calls.values()) reject(error);
    this.calls.clear();
    this.snapshots.stop(error);
    this.applier.stop(error, endOfFeed);
    this.follow({ term: this.leadership.term, leading: false, leader: undefined });
  }
}

function closed(): RegistryError {
  return new RegistryError('SHUTTING_DOWN', 'The consensus engine is closed.');
}

function superseded(lastSequence: number): RegistryError {
  const message = `The client has proposed sequence ${lastSequence} since; an earlier one is not applied any more.`;
  return new RegistryError('BAD_REQUEST', message);
}

function tooOld(ageMs: number, leader: NodeId | undefined): RegistryError {
  const contact = ageMs === Infinity ? 'ever' : `for ${Math.round(ageMs)} ms`;
  const message = `This node has not caught up with a leader ${contact}, so its state is too old for this read.`;
  return new RegistryError('NO_LEADER', message, leader === undefined ? {} : { details: { leader } });
}
