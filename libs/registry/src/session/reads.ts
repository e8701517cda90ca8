import {
  type DataInfoId,
  type DataToSession,
  type DatumVersion,
  type Failure,
  ZERO_VERSION,
  compareVersions,
  failure,
} from '#model';
import type { SessionContext } from './context.js';
import type { ConnectionId, SessionCounts, SessionRequest, ViewKey } from './contract.js';
import { CachedDatum, type Outcome } from './datum-cache.js';
import { failNoLeader } from './leases.js';
import { BOUNDS, NO_LEADER_RETRY_MS } from './limits.js';
import type { Propagation, Times } from './propagation.js';
import { Peer } from './push-planner.js';
import { Pushes } from './pushes.js';
import { type Pending, overloaded } from './requests.js';
import type { SlotLink } from './slot-link.js';
import type { Slots } from './slots.js';
import type { Subscription } from './subscription.js';
import type { Trace } from './traces/trace.js';
import type { Traces } from './traces/traces.js';
import { View, select, zoneOf } from './view.js';

type ChangeMessage = Extract<DataToSession, { kind: 'change' }>;
type Subscribe = Extract<SessionRequest, { kind: 'subscribe' }>;

/** A datum that somebody here subscribes to. */
interface Wanted {
  datum: CachedDatum;
  slot: number;
  /** By zone; the key of the view of everything is undefined. */
  views: Map<string | undefined, View>;
  /** True from asking for a fresh datum until it comes. */
  isRefreshing: boolean;
  /** The newest version at which a leader told to have stored something for a client of ours. */
  toldVersion: DatumVersion;
  /** That have come with a change, and whose subscribers are still to be sent it. */
  traces: Trace[];
}

/** A connection that has subscribed to something; what is known of it holds for as long as it lives. */
interface Subscriber {
  peer: Peer;
  subscriptions: Map<string, Subscription>;
}

/** A query on its way to the leader; `requestId` is that of the last time it was sent. */
interface Fetch {
  pending: Pending;
  view: ViewKey;
  requestId: number;
}

/** What clients read: subscriptions, pushed from merged datums, and queries. */
export class Reads {
  private readonly wanted = new Map<DataInfoId, Wanted>();
  private readonly bySlot = new Map<number, Set<Wanted>>();
  private readonly subscribers = new Map<ConnectionId, Subscriber>();
  /** Queries for the leader of a slot that cannot be reached just now. */
  private readonly fetches = new Map<number, Set<Fetch>>();
  readonly pushes: Pushes;
  private subscriptionTotal = 0;

  constructor(
    private readonly context: SessionContext,
    private readonly slots: Slots,
    private readonly propagation: Propagation,
    private readonly traces: Traces,
    /** Where the client of a connection connects from. */
    addressOf: (connection: ConnectionId) => string,
  ) {
    this.pushes = new Pushes(context, propagation, traces, addressOf);
  }

  get counts(): Pick<SessionCounts, 'subscribers' | 'datums'> & Pushes['counts'] {
    return { subscribers: this.subscriptionTotal, datums: this.wanted.size, ...this.pushes.counts };
  }

  /** Connections that read less than is sent to them, and those that have acknowledged nothing for long. */
  get laggards(): { slow: number; broken: number } {
    const laggards = { slow: 0, broken: 0 };
    for (const { peer } of this.subscribers.values()) {
      if (peer.isBackedUp) laggards.slow++;
      if (this.pushes.isBroken(peer)) laggards.broken++;
    }
    return laggards;
  }

  countOf(connection: ConnectionId): number {
    return this.subscribers.get(connection)?.subscriptions.size ?? 0;
  }

  isBackedUp(connection: ConnectionId): boolean {
    return this.subscribers.get(connection)?.peer.isBackedUp ?? false;
  }

  subscriptionsOf(connection: ConnectionId): Iterable<Subscription> {
    return this.subscribers.get(connection)?.subscriptions.values() ?? [];
  }

  /** Of the datums of a slot, or of one of them. */
  *subscriptionsIn(slot: number, dataInfoId?: DataInfoId): Generator<Subscription> {
    const only = dataInfoId === undefined ? undefined : this.wanted.get(dataInfoId);
    for (const wanted of dataInfoId === undefined ? (this.bySlot.get(slot) ?? []) : only ? [only] : [])
      for (const view of wanted.views.values()) yield* view.subscriptions;
  }

  subscribe(connection: ConnectionId, pending: Pending, request: Subscribe): void {
    let subscriber = this.subscribers.get(connection);
    const size = subscriber?.subscriptions.size ?? 0;
    if (subscriber?.subscriptions.has(request.subscriptionId)) return pending.fail(failure('ALREADY_SUBSCRIBED'));
    if (size >= BOUNDS.subscriptionsPerConnection) return pending.fail(overloaded());
    if (!subscriber) this.subscribers.set(connection, (subscriber = { peer: new Peer(), subscriptions: new Map() }));
    const wanted = this.want(request.dataInfoId);
    const zone = zoneOf(request);
    let view = wanted.views.get(zone);
    if (!view) wanted.views.set(zone, (view = new View(wanted.datum, zone)));
    const subscription: Subscription = {
      lane: view.lane,
      peer: subscriber.peer,
      connection,
      subscriptionId: request.subscriptionId,
      view,
      zone: request.zone,
      base: request.base,
      wholeOnly: request.wholeOnly ?? false,
      takesDeltas: request.deltas ?? false,
      refusals: 0,
      lastIsDelta: false,
      last: 'none',
      lastVersion: undefined,
      serial: -1,
      isExact: false,
      acks: request.acks ?? false,
      unackedSinceMs: undefined,
      passage: undefined,
      passedAtMs: 0,
      traced: undefined,
      temporary: [],
    };
    subscriber.subscriptions.set(request.subscriptionId, subscription);
    view.subscriptions.add(subscription);
    view.waiting.add(subscription);
    this.subscriptionTotal++;
    pending.reply({ kind: 'done' });
    this.pushes.joined(subscription);
    if (view.isBehindOf(subscription, this.context.clusterId)) this.refresh(wanted);
    if (subscription.last !== 'none') return;
    this.context.timers.at(this.context.nowMs + this.context.limits.readDeadlineMs, () =>
      this.pushes.sayPending(subscription),
    );
  }

  unsubscribe(connection: ConnectionId, subscriptionId: string): Failure | undefined {
    const subscription = this.subscribers.get(connection)?.subscriptions.get(subscriptionId);
    if (!subscription) return failure('NOT_SUBSCRIBED');
    this.remove(subscription);
    return undefined;
  }

  disconnected(connection: ConnectionId): void {
    const { subscriptions } = this.subscribers.get(connection) ?? {};
    for (const subscription of [...(subscriptions?.values() ?? [])]) this.remove(subscription);
    this.subscribers.delete(connection);
  }

  ack(connection: ConnectionId, subscriptionId: string, version: string, refused = false): Failure | undefined {
    const subscription = this.subscribers.get(connection)?.subscriptions.get(subscriptionId);
    return subscription ? this.pushes.ack(subscription, version, refused) : failure('NOT_SUBSCRIBED');
  }

  backedUp(connection: ConnectionId, isBackedUp: boolean): void {
    const subscriber = this.subscribers.get(connection);
    if (!subscriber) return;
    this.pushes.backedUp(subscriber.peer, [...subscriber.subscriptions.values()], isBackedUp);
  }

  query(pending: Pending, view: ViewKey): void {
    const wanted = this.wanted.get(view.dataInfoId);
    if (wanted?.datum.state === 'complete' && compareVersions(wanted.datum.version, wanted.toldVersion) >= 0) {
      const { dataInfoId, version } = wanted.datum;
      const seen = select(wanted.datum.publications(), zoneOf(view));
      const { clusterId } = this.context;
      const frame = { type: 'snapshot' as const, dataInfoId, clusterId, version, publications: seen };
      return pending.reply({ kind: 'datum', frame });
    }
    const slot = this.slots.all[this.slots.slotOf(view.dataInfoId)]!;
    const fetch = { pending, view, requestId: 0 };
    this.fetch(slot, fetch);
    this.context.timers.at(this.context.nowMs + this.context.limits.readDeadlineMs, () => {
      this.fetches.get(slot.slot)?.delete(fetch);
      slot.forgetAsk(fetch.requestId);
      if (slot.isOpen) pending.fail(failure('PENDING', undefined, { retryAfterMs: NO_LEADER_RETRY_MS }));
      else failNoLeader(pending);
    });
  }

  /** A client of ours was told of this version, so an answer from the cache must not be older. */
  noteStored(dataInfoId: DataInfoId, version: DatumVersion): void {
    const wanted = this.wanted.get(dataInfoId);
    if (wanted && compareVersions(version, wanted.toldVersion) > 0) wanted.toldVersion = version;
  }

  /**
   * A new way to the leader of a slot is open: it is asked for everything that is wanted of the slot. What nothing is known
   * of is asked for at once, the rest once we have sent what the leader lacks: one that had taken us for gone is complete
   * without it, and its list would shrink what our clients are shown of each other.
   */
  opened(slot: SlotLink): void {
    for (const wanted of this.bySlot.get(slot.slot) ?? []) {
      wanted.isRefreshing = false;
      if (wanted.datum.state === 'unknown') this.refresh(wanted);
    }
    const fetches = this.fetches.get(slot.slot);
    this.fetches.delete(slot.slot);
    for (const fetch of fetches ?? []) this.fetch(slot, fetch);
  }

  resent(slot: SlotLink): void {
    for (const wanted of this.bySlot.get(slot.slot) ?? []) this.refresh(wanted);
  }

  receive(slot: SlotLink, message: Extract<DataToSession, { kind: 'datum' | 'same' | 'change' }>): void {
    const wanted = this.wanted.get(message.dataInfoId);
    if (!wanted || message.leaderEpoch !== slot.leaderEpoch) return;
    if (message.kind === 'datum') {
      if (message.requestId !== undefined) return;
      wanted.isRefreshing = false;
      this.show(wanted, wanted.datum.takeDatum(message.version, message.complete, message.publications));
    } else if (message.kind === 'same') {
      wanted.isRefreshing = false;
      this.show(wanted, wanted.datum.takeSame(message.version, message.complete, message.hash));
    } else if (wanted.isRefreshing) this.trace(wanted, slot, message, 'gap');
    else {
      const { from, to, complete, upserts, removals } = message;
      const outcome = wanted.datum.takeChange(from, to, complete, upserts, removals);
      this.trace(wanted, slot, message, outcome);
      this.show(wanted, outcome, this.slots.links.times(slot.link, message.times));
    }
  }

  /** A temporary publication, for whoever sees its zone. It waits for an acknowledgement; stopped pushes lose it. */
  receiveTemporary(slot: SlotLink, message: Extract<DataToSession, { kind: 'temporary' }>): void {
    const { publication } = message;
    const wanted = this.wanted.get(publication.dataInfoId);
    if (!wanted || message.leaderEpoch !== slot.leaderEpoch) return;
    for (const view of wanted.views.values())
      if (view.zone === undefined || view.zone === publication.zone) this.pushes.tell(view, publication);
  }

  private show(wanted: Wanted, outcome: Outcome, times?: Times): void {
    if (outcome === 'gap') return this.refresh(wanted);
    if (outcome === 'ignored') return;
    const { changes, becameComplete } = outcome;
    const passage = this.propagation.take(times);
    const { traces } = wanted;
    if (traces.length > 0) wanted.traces = [];
    for (const view of wanted.views.values()) {
      const isTouched = view.take(changes, becameComplete, passage);
      for (const trace of traces) if (isTouched && view.hasTouched(trace.registerId)) this.traces.follow(trace, view);
      this.pushes.changed(view, isTouched, becameComplete);
    }
    for (const trace of traces) this.traces.shown(trace);
  }

  /** What a change brings that is traced is followed once the datum has it. */
  private trace(wanted: Wanted, slot: SlotLink, message: ChangeMessage, outcome: Outcome): void {
    const clock = message.traces && this.slots.links.clockOf(slot.link);
    if (!clock || !Array.isArray(message.traces)) return;
    const { to, upserts, dataInfoId } = message;
    const change = {
      version: to,
      clock,
      stampOf: (id: string) => upserts.find(({ registerId }) => registerId === id)?.stamp,
    };
    const state = outcome === 'gap' ? 'awaited' : outcome === 'ignored' ? 'known' : 'taken';
    for (const traced of message.traces.slice(0, BOUNDS.traces)) {
      const trace = this.traces.arrived(traced, dataInfoId, state, change);
      if (state !== 'known' && wanted.traces.length < BOUNDS.traces) wanted.traces.push(trace);
    }
  }

  private want(dataInfoId: DataInfoId): Wanted {
    let wanted = this.wanted.get(dataInfoId);
    if (wanted) return wanted;
    const slot = this.slots.slotOf(dataInfoId);
    wanted = {
      datum: new CachedDatum(dataInfoId),
      slot,
      views: new Map(),
      isRefreshing: false,
      toldVersion: ZERO_VERSION,
      traces: [],
    };
    this.wanted.set(dataInfoId, wanted);
    let others = this.bySlot.get(slot);
    if (!others) this.bySlot.set(slot, (others = new Set()));
    others.add(wanted);
    this.refresh(wanted);
    return wanted;
  }

  private refresh(wanted: Wanted): void {
    const slot = this.slots.all[wanted.slot]!;
    if (wanted.isRefreshing || !slot.isOpen) return;
    wanted.isRefreshing = true;
    const { dataInfoId, hash } = wanted.datum;
    const held = hash === undefined ? {} : { hash };
    slot.say({ kind: 'interest', slot: slot.slot, leaderEpoch: slot.leaderEpoch, dataInfoId, ...held });
  }

  private remove(subscription: Subscription): void {
    const { connection, subscriptionId, view } = subscription;
    this.subscribers.get(connection)!.subscriptions.delete(subscriptionId);
    view.subscriptions.delete(subscription);
    view.waiting.delete(subscription);
    this.pushes.left(subscription);
    this.subscriptionTotal--;
    if (view.subscriptions.size > 0) return;
    const { dataInfoId } = view.datum;
    const wanted = this.wanted.get(dataInfoId)!;
    wanted.views.delete(view.zone);
    if (wanted.views.size > 0) return;
    this.wanted.delete(dataInfoId);
    const others = this.bySlot.get(wanted.slot)!;
    others.delete(wanted);
    if (others.size === 0) this.bySlot.delete(wanted.slot);
    const slot = this.slots.all[wanted.slot]!;
    slot.say({ kind: 'disinterest', slot: slot.slot, leaderEpoch: slot.leaderEpoch, dataInfoId });
  }

  private fetch(slot: SlotLink, fetch: Fetch): void {
    if (!fetch.pending.isOpen) return;
    const { dataInfoId } = fetch.view;
    const requestId = this.context.nextRequestId();
    fetch.requestId = requestId;
    const isAsked = slot.ask({
      message: { kind: 'fetch', slot: slot.slot, leaderEpoch: slot.leaderEpoch, dataInfoId, requestId },
      answered: (message) => {
        if (message.kind === 'datum') this.answer(fetch, message);
      },
      voided: () => this.fetchLater(slot, fetch),
    });
    if (!isAsked) this.fetchLater(slot, fetch);
  }

  private fetchLater(slot: SlotLink, fetch: Fetch): void {
    if (!fetch.pending.isOpen) return;
    let waiting = this.fetches.get(slot.slot);
    if (!waiting) this.fetches.set(slot.slot, (waiting = new Set()));
    waiting.add(fetch);
  }

  private answer({ pending, view }: Fetch, message: Extract<DataToSession, { kind: 'datum' }>): void {
    const { dataInfoId, version, complete } = message;
    const { clusterId } = this.context;
    // What we have merged so far contains a partial answer and more.
    const merged = complete ? undefined : this.wanted.get(dataInfoId)?.datum;
    const known = merged?.state === 'partial' ? merged.publications() : message.publications;
    const publications = select(known, zoneOf(view));
    pending.reply({
      kind: 'datum',
      frame: complete
        ? { type: 'snapshot', dataInfoId, clusterId, version, publications }
        : { type: 'partial', dataInfoId, clusterId, version, publications, removed: [] },
    });
  }
}
