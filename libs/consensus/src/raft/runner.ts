import { RegistryError, logged } from '#model';
import type { FoundLog } from '../contract.js';
import type { FeedReader } from '../feed.js';
import type { Applied, Proposal } from '../replicated.js';
import { Applier, type Capture, type Waiter, beginning } from './applier.js';
import type { Entry, MembershipChange, NodeId, RaftEffect, RaftEvent, RaftLimits, SnapshotMeta } from './contract.js';
import { RaftCore } from './core.js';
import { decodeSnapshot, fromLogEntry } from './formats.js';
import { Freshness } from './freshness.js';
import { type LogDevice, LogWriter } from './log-writer.js';
import {
  HOST_DEFAULTS,
  type HostLimits,
  type Leadership,
  type RaftNodeOptions,
  type RaftNodeStatus,
} from './node-options.js';
import { Snapshotting } from './snapshotting.js';
import { DEFAULT_LIMITS } from './state.js';

export interface RaftRunnerOptions<Command, State, Result> extends Omit<
  RaftNodeOptions<Command, State, Result>,
  'store'
> {
  device: LogDevice;
  /** What the store held. */
  found: FoundLog;
}

/**
 * Runs the core of one node of a Raft group: around it the disk, the transport, the clock and the state machine. The core
 * decides; `perform` is the one place where what it decided happens, and keeps the order that is safe. Nothing here
 * waits: who asks is told by a callback. `RaftNode` puts promises in front; the simulation does without them, so that
 * the same code runs under virtual time, one event after the other.
 */
export class RaftRunner<Command, State, Result> {
  private readonly limits: RaftLimits & HostLimits;
  private readonly core: RaftCore;
  private readonly applier: Applier<Command, State, Result>;
  private readonly writer: LogWriter;
  private readonly snapshots: Snapshotting;
  private readonly freshness = new Freshness();
  private readonly calls = new Map<number, Waiter<number>>();
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

  /** @throws RegistryError STORE_CORRUPT, STORE_FAILED, INTERNAL when what was found cannot be read here */
  constructor(private readonly options: RaftRunnerOptions<Command, State, Result>) {
    const { id, bootstrap, env, device, found } = options;
    const limits = { ...DEFAULT_LIMITS, ...HOST_DEFAULTS, ...options.limits };
    this.limits = limits;
    const { term, vote, entries } = found;
    const bytes = found.snapshot?.payload;
    const snapshot: SnapshotMeta | null = found.snapshot && {
      index: found.snapshot.index,
      term: found.snapshot.term,
      configuration: decodeSnapshot(found.snapshot.payload).configuration,
    };
    const restored = { term, vote, snapshot, entries: entries.map(fromLogEntry) };
    this.core = new RaftCore({ id, restored, bootstrap, random: () => env.random(), limits });
    const position = snapshot ?? beginning(bootstrap ?? { voters: [], learners: [] });
    this.applier = new Applier({ ...options, limits }, position, bytes);
    this.writer = new LogWriter(
      device,
      limits.writeBytes,
      (token) => this.dispatch({ type: 'persisted', token }),
      (error) => this.fail(error),
    );
    const tell = (event: RaftEvent): void => this.dispatch(event);
    const held = snapshot && bytes ? { meta: snapshot, bytes } : undefined;
    this.snapshots = new Snapshotting(this.applier, this.writer, limits, tell, held);
  }

  /** Takes part from now on. */
  start(): void {
    const { transport } = this.options;
    this.dispatch({ type: 'start' });
    this.detach.push(
      transport.onMessage((from, message) => {
        this.dispatch({ type: 'received', from, message });
        if (message.kind !== 'append') return;
        const { term, leader } = this.leadership;
        if (term !== message.term || leader !== from) return;
        this.freshness.contact(term, message.round, message.commit, message.answered ?? 0, this.options.env.nowMs());
        this.freshness.applied(this.applier.index, this.applier.term);
      }),
    );
    const ended = transport.onUnreachable?.((peer) => this.dispatch({ type: 'unreachable', peer }));
    if (ended) this.detach.push(ended);
  }

  /** As `Consensus.propose`. */
  propose(
    id: { client: string; sequence: number },
    command: Command,
    { resolve, reject }: Waiter<{ index: number; result: Result }>,
  ): void {
    const proposal: Proposal<Command> = { client: id.client, sequence: id.sequence, command };
    // Encoded now, so that what is logged is what was proposed, whatever the caller does to the object later.
    const payload = this.options.codec.encode(proposal);
    const applied = (outcome: Applied<Result>): void => {
      if (outcome.status === 'superseded') reject(superseded(outcome.lastSequence));
      else resolve({ index: outcome.index, result: outcome.result });
    };
    const committed = (index: number): void => this.applier.outcomeAt(index, { resolve: applied, reject });
    this.ask((call) => ({ type: 'propose', call, payload }), { resolve: committed, reject });
  }

  /** As `Consensus.read`, but for the query. */
  read(mode: 'linearizable' | { maxAgeMs: number }, { resolve, reject }: Waiter<State>): void {
    if (mode !== 'linearizable' && !this.ended) {
      const ageMs = this.ageMs();
      if (ageMs <= mode.maxAgeMs) return resolve(this.applier.state);
      if (!this.leadership.leading) return reject(tooOld(ageMs, this.leadership.leader));
    }
    const confirmed = (index: number): void => this.applier.stateAt(index, { resolve, reject });
    this.ask((call) => ({ type: 'read', call }), { resolve: confirmed, reject });
  }

  /** Everything that was acknowledged before this was asked is at or before the index that is answered. On the leader. */
  readIndex(waiter: Waiter<number>): void {
    this.ask((call) => ({ type: 'read', call }), waiter);
  }

  /** The whole state once it contains everything to `index`, at once where it does already. */
  capture(index: number, { resolve, reject }: Waiter<Capture<State, Result>>): void {
    if (this.ended) return reject(this.ended);
    this.applier.stateAt(index, { resolve: () => resolve(this.applier.capture()), reject });
  }

  /** Answers with the index of the change, once it is committed. */
  changeMembership(change: MembershipChange, waiter: Waiter<number>): void {
    this.ask((call) => ({ type: 'change', call, change }), waiter);
  }

  transfer(to: NodeId, waiter: Waiter<number>): void {
    this.ask((call) => ({ type: 'transfer', call, to }), waiter);
  }

  /** Whom a leader that is to go should hand over to; undefined where nobody is fit, or this node does not lead. */
  heir(): NodeId | undefined {
    const { role, peers, configuration } = this.core.status();
    if (role !== 'leader') return undefined;
    const fit = peers.filter(({ id, active }) => active && configuration.voters.includes(id));
    return fit.toSorted((a, b) => b.matched - a.matched)[0]?.id;
  }

  snapshotNow(waiter: Waiter<number>): void {
    if (this.ended) waiter.reject(this.ended);
    else this.snapshots.takeNow(waiter);
  }

  watch(afterIndex: number): ReturnType<Applier<Command, State, Result>['feed']['watch']> {
    return this.applier.feed.watch(afterIndex);
  }

  reader(afterIndex: number): FeedReader<Command, State> {
    return this.applier.feed.reader(afterIndex);
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
    return {
      ...this.core.status(),
      snapshotIndex: this.snapshots.index,
      stateAgeMs: this.ageMs(),
      ...(failure && { failure }),
    };
  }

  get era(): number | undefined {
    return this.core.era;
  }

  entryAt(index: number): Entry | undefined {
    return this.core.entryAt(index);
  }

  /** Nothing is said, written or answered after this; `over` is told when a write under way has come to its end. */
  stop(over?: () => void): void {
    this.end(new RegistryError('SHUTTING_DOWN', 'The consensus engine is closed.'));
    this.writer.stop(over);
  }

  private ask(event: (call: number) => RaftEvent, waiter: Waiter<number>): void {
    if (this.ended) return waiter.reject(this.ended);
    const call = ++this.lastCall;
    this.calls.set(call, waiter);
    this.dispatch(event(call));
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
          this.settle(effect);
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

  private settle({ call, outcome }: Extract<RaftEffect, { type: 'settled' }>): void {
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

  /**
   * A leader that was replaced without knowing it steps down within `checkQuorumMs`. One that stood still has yet to find
   * that out: by how much its own wake-up is late, it may be that much longer.
   */
  private ageMs(): number {
    const nowMs = this.options.env.nowMs();
    if (!this.leadership.leading) return this.freshness.ageMs(nowMs);
    const { commit, applied } = this.core.status();
    if (!this.announced.leading || applied !== commit) return Infinity;
    return this.limits.checkQuorumMs + Math.max(0, nowMs - (this.wake?.atMs ?? nowMs));
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
    const { code, message: reason } = this.failure;
    this.options.log?.(logged('error', 'raft-consensus-failed', { code, reason }));
    this.end(this.failure, this.failure);
    this.options.onFailure?.(this.failure);
  }

  private end(error: RegistryError, endOfFeed?: RegistryError): void {
    if (this.ended) return;
    this.ended = error;
    this.wake?.cancel();
    for (const detach of this.detach.splice(0)) detach();
    this.writer.stop();
    for (const { reject } of this.calls.values()) reject(error);
    this.calls.clear();
    this.snapshots.stop(error);
    this.applier.stop(error, endOfFeed);
    this.follow({ term: this.leadership.term, leading: false, leader: undefined });
  }
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
