import {
  type DataInfoId,
  type DataToSession,
  type DatumVersion,
  type Failure,
  ZERO_VERSION,
  compareVersions,
  failure,
  parseVersion,
} from '#model';
import type { SessionContext } from './context.js';
import type { ConnectionId, PushFrame, SessionRequest, ViewKey } from './contract.js';
import { CachedDatum, type Outcome } from './datum-cache.js';
import { failNoLeader } from './leases.js';
import { HeldPushes } from './held-pushes.js';
import { BOUNDS, NO_LEADER_RETRY_MS } from './limits.js';
import { type Pending, overloaded } from './requests.js';
import type { SlotLink } from './slot-link.js';
import type { Slots } from './slots.js';
import { type Subscription, View, select, zoneOf } from './view.js';

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
  private readonly subscriptions = new Map<ConnectionId, Map<string, Subscription>>();
  /** Queries for the leader of a slot that cannot be reached just now. */
  private readonly fetches = new Map<number, Set<Fetch>>();
  private readonly held: HeldPushes;
  private subscriptionTotal = 0;

  constructor(
    private readonly context: SessionContext,
    private readonly slots: Slots,
    /** Where the client of a connection connects from. */
    addressOf: (connection: ConnectionId) => string,
  ) {
    this.held = new HeldPushes(
      context,
      ({ connection }) => addressOf(connection),
      (subscription) => this.offer(subscription),
    );
    this.held.switched(context.switches.stopPush);
  }

  get subscriptionCount(): number {
    return this.subscriptionTotal;
  }

  /** Those for whom something waits because pushes to them are stopped. */
  get heldCount(): number {
    return this.held.size;
  }

  switched(): void {
    this.held.switched(this.context.switches.stopPush);
  }

  get datumCount(): number {
    return this.wanted.size;
  }

  countOf(connection: ConnectionId): number {
    return this.subscriptions.get(connection)?.size ?? 0;
  }

  subscribe(connection: ConnectionId, pending: Pending, request: Subscribe): void {
    let own = this.subscriptions.get(connection);
    if (own?.has(request.subscriptionId)) return pending.fail(failure('ALREADY_SUBSCRIBED'));
    if (own && own.size >= BOUNDS.subscriptionsPerConnection) return pending.fail(overloaded());
    if (!own) this.subscriptions.set(connection, (own = new Map()));
    const wanted = this.want(request.dataInfoId);
    const zone = zoneOf(request);
    let view = wanted.views.get(zone);
    if (!view) wanted.views.set(zone, (view = new View(wanted.datum, zone)));
    const subscription: Subscription = {
      connection,
      subscriptionId: request.subscriptionId,
      view,
      zone: request.zone,
      base: request.base,
      wholeOnly: request.wholeOnly ?? false,
      last: 'none',
      lastVersion: undefined,
      acks: false,
      unacked: undefined,
      isBehind: false,
      temporary: [],
    };
    own.set(request.subscriptionId, subscription);
    view.subscriptions.add(subscription);
    view.waiting.add(subscription);
    this.subscriptionTotal++;
    pending.reply({ kind: 'done' });
    this.offer(subscription);
    if (view.isBehindOf(subscription, this.context.clusterId)) this.refresh(wanted);
    if (subscription.last !== 'none') return;
    this.context.timers.at(this.context.nowMs + this.context.limits.readDeadlineMs, () =>
      this.sayPending(subscription),
    );
  }

  unsubscribe(connection: ConnectionId, subscriptionId: string): Failure | undefined {
    const subscription = this.subscriptions.get(connection)?.get(subscriptionId);
    if (!subscription) return failure('NOT_SUBSCRIBED');
    this.remove(subscription);
    return undefined;
  }

  disconnected(connection: ConnectionId): void {
    for (const subscription of [...(this.subscriptions.get(connection)?.values() ?? [])]) this.remove(subscription);
  }

  ack(connection: ConnectionId, subscriptionId: string, text: string): Failure | undefined {
    const subscription = this.subscriptions.get(connection)?.get(subscriptionId);
    if (!subscription) return failure('NOT_SUBSCRIBED');
    const version = parseVersion(text);
    if (!version)
      return failure('BAD_REQUEST', 'version is not one that was pushed.', { details: { field: 'version' } });
    const { lastVersion } = subscription;
    const isCurrent = lastVersion === undefined || compareVersions(version, lastVersion) >= 0;
    if (!subscription.acks && !isCurrent) subscription.unacked = lastVersion;
    subscription.acks = true;
    if (!isCurrent) return undefined;
    subscription.unacked = undefined;
    if (subscription.isBehind) this.offer(subscription);
    return undefined;
  }

  query(pending: Pending, view: ViewKey): void {
    const wanted = this.wanted.get(view.dataInfoId);
    if (wanted?.datum.state === 'complete' && compareVersions(wanted.datum.version, wanted.toldVersion) >= 0) {
      const { dataInfoId, version, publications } = wanted.datum;
      const seen = select(publications.values(), zoneOf(view));
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

  receive(slot: SlotLink, message: Extract<DataToSession, { kind: 'datum' | 'change' }>): void {
    const wanted = this.wanted.get(message.dataInfoId);
    if (!wanted || message.leaderEpoch !== slot.leaderEpoch) return;
    if (message.kind === 'datum') {
      if (message.requestId !== undefined) return;
      wanted.isRefreshing = false;
      this.show(wanted, wanted.datum.takeDatum(message.version, message.complete, message.publications));
    } else if (!wanted.isRefreshing) {
      const { from, to, complete, upserts, removals } = message;
      this.show(wanted, wanted.datum.takeChange(from, to, complete, upserts, removals));
    }
  }

  /** A temporary publication, for whoever sees its zone. It waits for an acknowledgement; stopped pushes lose it. */
  receiveTemporary(slot: SlotLink, message: Extract<DataToSession, { kind: 'temporary' }>): void {
    const { publication } = message;
    const wanted = this.wanted.get(publication.dataInfoId);
    if (!wanted || message.leaderEpoch !== slot.leaderEpoch) return;
    const alone = [publication];
    for (const view of wanted.views.values()) {
      if (view.zone !== undefined && view.zone !== publication.zone) continue;
      for (const subscription of view.subscriptions) {
        if (this.held.isStopped(subscription)) continue;
        const { temporary } = subscription;
        subscription.temporary =
          temporary.length === 0 ? alone : [...temporary, publication].slice(-BOUNDS.temporaryPerSubscription);
        this.offer(subscription);
      }
    }
  }

  private show(wanted: Wanted, outcome: Outcome): void {
    if (outcome === 'gap') return this.refresh(wanted);
    if (outcome === 'ignored') return;
    for (const view of wanted.views.values()) {
      view.invalidate();
      const isTouched = view.isTouchedBy(outcome);
      if (!isTouched && !outcome.becameComplete) {
        for (const subscription of view.waiting) this.offer(subscription);
        continue;
      }
      for (const subscription of view.subscriptions)
        if (isTouched || subscription.last !== 'whole' || subscription.isBehind) this.offer(subscription);
    }
  }

  /**
   * Sends the subscription what there is to say, or notes that something waits: for its acknowledgement, or for pushes
   * to go on, of which who has been sent nothing yet is told that it is pending.
   */
  private offer(subscription: Subscription): void {
    if (this.held.take(subscription)) return this.sayPending(subscription);
    if (subscription.acks && subscription.unacked) {
      subscription.isBehind = true;
      return;
    }
    subscription.isBehind = false;
    const frame = subscription.view.frameFor(subscription, this.context.clusterId);
    if (frame) this.push(subscription, frame);
  }

  private push(subscription: Subscription, frame: PushFrame): void {
    const { connection, subscriptionId, view } = subscription;
    this.context.emit({ type: 'push', connection, subscriptionId, frame });
    if (frame.type === 'pending') {
      subscription.last = 'pending';
      return;
    }
    if (frame.type !== 'unchanged' && frame.temporary) subscription.temporary = [];
    view.waiting.delete(subscription);
    subscription.last = frame.type === 'partial' ? 'partial' : 'whole';
    subscription.lastVersion = frame.version;
    // `unchanged` brings nothing, so nothing is waited for after it.
    if (subscription.acks && frame.type !== 'unchanged') subscription.unacked = frame.version;
  }

  private sayPending(subscription: Subscription): void {
    const { view, last, wholeOnly, base } = subscription;
    if (last !== 'none' || !view.subscriptions.has(subscription) || (wholeOnly && base)) return;
    this.push(subscription, { type: 'pending', dataInfoId: view.datum.dataInfoId });
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
    const { dataInfoId } = wanted.datum;
    slot.say({ kind: 'interest', slot: slot.slot, leaderEpoch: slot.leaderEpoch, dataInfoId });
  }

  private remove(subscription: Subscription): void {
    const { connection, subscriptionId, view } = subscription;
    const own = this.subscriptions.get(connection);
    own?.delete(subscriptionId);
    if (own?.size === 0) this.subscriptions.delete(connection);
    view.subscriptions.delete(subscription);
    view.waiting.delete(subscription);
    this.held.drop(subscription);
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
    const known = merged?.state === 'partial' ? merged.publications.values() : message.publications;
    const publications = select(known, zoneOf(view));
    pending.reply({
      kind: 'datum',
      frame: complete
        ? { type: 'snapshot', dataInfoId, clusterId, version, publications }
        : { type: 'partial', dataInfoId, clusterId, version, publications, removed: [] },
    });
  }
}
