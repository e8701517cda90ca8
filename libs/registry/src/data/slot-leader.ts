import {
  type DataToSession,
  type LinkId,
  type RenewResult,
  type ReplicaToLeader,
  type SessionToData,
  type SlotAssignment,
  type Stamp,
  compareStamps,
  failure,
} from '#model';
import { merge } from '../merge.js';
import { CleanUp, type Sweep } from './clean-up.js';
import type { DataLimits } from './contract.js';
import { NOBODY } from './lease-holders.js';
import type { SessionPeer, Sessions } from './sessions.js';
import { Agreements } from './agreements.js';
import type { Arrivals } from './arrivals.js';
import type { FollowerCounters } from './replication/follower-side.js';
import { DurableLeader } from './durable/durable-leader.js';
import type { DurableDisk } from './durable/durable-disk.js';
import { HandOver } from './replication/hand-over.js';
import { Replication } from './replication/leader-side.js';
import { type KeptPublication, type LiveName, nameOf } from './memory/kept-publication.js';
import type { SlotReplica } from './slot-replica.js';
import { type Outbox, type Sending, tell, tellChanges, tellComplete, tellDatum } from './telling.js';
import { WaitSet } from './wait-set.js';
import type { Unconfirmed } from './warm/unconfirmed.js';

/** What a session server says about one slot, to whoever leads it. */
export type SlotMessage = Extract<SessionToData, { slot: number; leaderEpoch: number }>;
type MessageOf<Kind extends SlotMessage['kind']> = Extract<SlotMessage, { kind: Kind }>;

export type DiskOf = (incarnation: string) => string | undefined;

export interface SlotLeaderOptions {
  nowMs: number;
  /** What is held already, where this server followed the slot before; else an empty one. */
  replica: SlotReplica;
  waitFor: Iterable<string>;
  sessions: Sessions;
  limits: DataLimits;
  /** Of what comparisons find. */
  counters: FollowerCounters;
  arrivals: Arrivals;
  disk: DurableDisk;
  isStandIn: boolean;
  /** What this server has of the slot that does not count, until it is complete. */
  unconfirmed: Unconfirmed | undefined;
}

/** The latest digest of a session incarnation, and which of its publications that lacked, as they were then. */
interface Digest {
  number: number;
  unclaimed: LiveName[];
}

const RETRY_AFTER_MS = 1_000;
/** A follower that lacks more operations than this is not handed the slot: writes would wait too long. */
const SEALABLE_LAG = 1_000;
/** What is served while the slot takes no writes, since it changes nothing that the next leader must have. */
const UNSEALED: ReadonlySet<SlotMessage['kind']> = new Set<SlotMessage['kind']>([
  ...(['fetch', 'interest', 'disinterest', 'announce'] as const),
]);
/**
 * Leading one slot at one leaderEpoch: it answers session servers and decides when the slot is complete. It serves at
 * once; until every member of the wait set has reconciled or is gone, all it says is `complete: false`.
 */
export class SlotLeader {
  readonly replica: SlotReplica;
  readonly replication: Replication;
  readonly agreements: Agreements;
  readonly durable: DurableLeader;
  unconfirmed: Unconfirmed | undefined;
  /** Links over which persistent writes were asked for that are not answered yet. */
  private readonly persisting = new Map<LinkId, number>();
  /** Links whose session servers compare what they hold by hash. */
  private readonly comparing = new Set<LinkId>();
  private readonly cleanUp: CleanUp;
  private readonly waitSet: WaitSet;
  private answering: Outbox = { push: () => undefined };
  private handOver: HandOver<SlotMessage> | undefined;
  private readonly digests = new Map<string, Digest>();

  constructor(private readonly options: SlotLeaderOptions) {
    this.replica = options.replica;
    this.unconfirmed = options.unconfirmed;
    this.replication = new Replication(this.replica, options.limits);
    this.agreements = new Agreements(this.replica, options.counters);
    this.cleanUp = new CleanUp(this.replica, options.sessions);
    this.waitSet = new WaitSet(options.nowMs, options.waitFor);
    const { durablePatienceMs: patienceMs, messageBytes } = options.limits;
    this.durable = new DurableLeader({ ...options, patienceMs, messageBytes });
  }

  get waitingFor(): string[] {
    return this.waitSet.members();
  }

  /** Without meta's word. */
  get isStandIn(): boolean {
    return this.options.isStandIn;
  }

  /** Does something to what is held, and tells whoever wants to know of it. */
  perform(nowMs: number, out: Outbox, work: () => void): void {
    work();
    this.settle(nowMs, out);
  }

  /** What the table says of the slot. Without anybody to wait for it is complete at once. */
  takeAssignment(nowMs: number, assignment: SlotAssignment, diskOf: DiskOf, out: Outbox): void {
    this.durable.takeAssignment(assignment, diskOf);
    this.replication.keep(new Set([...assignment.followers, ...assignment.joining]), out);
    if (this.durable.isWaiting) this.settle(nowMs, out);
  }

  /** More of the slot is on the disk here. */
  persisted(nowMs: number, out: Outbox): void {
    if (this.durable.isWaiting) this.settle(nowMs, out);
  }

  /** Who is to lead the slot next, while it takes no writes. */
  get sealedFor(): string | undefined {
    return this.handOver?.to;
  }

  /** Takes no writes for a while, so that a follower may lead. False when that one is too far behind, or too much is held. */
  seal(nowMs: number, to: string): boolean {
    if (this.handOver) return this.handOver.to === to;
    const lag = this.replication.lags(nowMs).find(({ incarnation }) => incarnation === to);
    if (!lag?.streaming || lag.operations > SEALABLE_LAG) return false;
    this.handOver = new HandOver(to, nowMs + this.options.limits.sealMs);
    return true;
  }

  /** What was held back is taken after all. */
  private unseal(nowMs: number, isInTouch: boolean, out: Outbox): void {
    const held = this.handOver?.release() ?? [];
    this.handOver = undefined;
    // From a link that has been replaced nothing more is read.
    for (const { peer, link, message } of held)
      if (peer.link === link) this.serve(nowMs, peer, message, isInTouch, out);
  }

  /** The slot is led here no longer. @returns the links that expect to hear of it */
  abandoned(): Set<LinkId> {
    const links = new Set(this.replica.interest.links());
    for (const { link } of this.handOver?.release() ?? []) links.add(link);
    for (const link of this.persisting.keys()) links.add(link);
    return links;
  }

  /** `peer.link` is the newest link of the incarnation; the leaderEpoch of the message is this one. */
  receive(nowMs: number, peer: SessionPeer, message: SlotMessage, isInTouch: boolean, out: Outbox): void {
    if (this.handOver && !UNSEALED.has(message.kind)) {
      if (this.handOver.hold(peer, message)) return;
      this.unseal(nowMs, isInTouch, out);
    }
    this.serve(nowMs, peer, message, isInTouch, out);
  }

  private serve(nowMs: number, peer: SessionPeer, message: SlotMessage, isInTouch: boolean, out: Outbox): void {
    const link = peer.link!;
    const { slot, leaderEpoch } = this.replica;
    const send = (answer: DataToSession): void => void out.push({ type: 'send', link, message: answer });
    switch (message.kind) {
      case 'operations': {
        this.options.arrivals.note(this.replica, nowMs, message, message.operations.length);
        const results = message.operations.map((operation) => this.replica.apply(nowMs, operation, peer.incarnation));
        const { answer } = this.replica.changes.traces;
        const applied = { kind: 'applied' as const, slot, leaderEpoch, sequence: message.sequence, results, ...answer };
        return this.settle(nowMs, out, { type: 'send', link, message: applied });
      }
      case 'digest': {
        const want = this.digest(nowMs, peer.incarnation, message);
        if (want) send(want);
        break;
      }
      case 'reconcile': {
        const reconciled = this.reconcile(nowMs, peer.incarnation, message);
        if (reconciled) send(reconciled);
        break;
      }
      case 'summary': {
        const agrees = this.agreements.compare(nowMs, peer.incarnation, message.hash);
        send({ kind: 'compared', slot, leaderEpoch, number: message.number, agrees });
        break;
      }
      case 'interest':
        this.replica.addInterest(link, message.dataInfoId);
        if (message.hash !== undefined) this.comparing.add(link);
        for (const told of tell(this.replica, message.dataInfoId, message.hash)) send(told);
        break;
      case 'disinterest':
        this.replica.dropInterest(link, message.dataInfoId);
        break;
      case 'fetch':
        send({ ...tellDatum(this.replica, message.dataInfoId), requestId: message.requestId });
        break;
      case 'announce':
        this.announce(message, out);
        send({ kind: 'announced', slot, requestId: message.requestId });
        break;
      case 'persist':
        this.persist(nowMs, peer, message, out);
        break;
      case 'renew':
        send({
          kind: 'renewed',
          slot,
          requestId: message.requestId,
          result: this.renew(nowMs, peer, message, isInTouch),
        });
        break;
    }
    this.settle(nowMs, out);
  }

  /** What another data server says, which follows or wants to. */
  receiveReplica(link: LinkId, incarnation: string, message: ReplicaToLeader, nowMs: number, out: Outbox): void {
    switch (message.kind) {
      case 'follow':
        this.durable.follow(link, incarnation, message, out);
        return this.replication.follow(nowMs, link, incarnation, message, out);
      case 'replicated':
        return this.replication.acknowledged(nowMs, link, message, out);
      case 'written':
        this.durable.written(link, message);
        return this.durable.isWaiting ? this.settle(nowMs, out) : undefined;
    }
  }

  dropLink(link: LinkId): void {
    this.replica.dropLink(link);
    this.replication.dropLink(link);
    this.durable.dropLink(link);
    this.persisting.delete(link);
    this.comparing.delete(link);
  }

  /** Lets go of a session incarnation of which nothing will come any more. */
  forget(incarnation: string): void {
    this.digests.delete(incarnation);
    this.agreements.forget(incarnation);
  }

  /** Whether the wait set or a publication still names the incarnation. */
  needs(incarnation: string): boolean {
    return this.waitSet.has(incarnation) || this.replica.owns(incarnation);
  }

  overdue(nowMs: number): string[] {
    return this.waitSet.overdue(nowMs, this.options.limits.unreconciledReportMs);
  }

  /** What time brings: members given up, leases ended, orphans, tombstones forgotten. Bounded by the budget. */
  sweep(sweep: Sweep, out: Outbox): void {
    const { nowMs } = sweep;
    const { sessions } = this.options;
    if (this.handOver && nowMs < this.handOver.untilMs) return;
    if (this.handOver) this.unseal(nowMs, sweep.mayEndLeases, out);
    this.waitSet.release((incarnation, sinceMs) => sessions.isNotWorthWaiting(nowMs, incarnation, sinceMs));
    this.cleanUp.run(sweep, out);
    sweep.budget -= this.replica.expireTombstones(nowMs, Math.max(sweep.budget, 0));
    this.settle(nowMs, out);
    this.replication.compare(nowMs, out);
  }

  private digest(
    nowMs: number,
    incarnation: string,
    message: MessageOf<'digest'>,
  ): Extract<DataToSession, { kind: 'want' }> | undefined {
    const known = this.digests.get(incarnation);
    // An abandoned connection may be read after its successor; the number tells which digest is the later truth.
    if (known && message.number <= known.number) return undefined;
    for (const removal of message.removals) this.replica.apply(nowMs, { op: 'unpublish', ...removal }, incarnation);

    const registerIds: string[] = [];
    const stale: { registerId: string; held: Stamp }[] = [];
    const claimed = new Set<KeptPublication>();
    for (const entry of message.entries) {
      const { registerId, dataInfoId, stamp } = entry;
      const held = this.replica.held(dataInfoId, registerId);
      const verdict = merge(held, { stamp, live: true });
      const isLacking = verdict === 'take' && !this.unconfirmed?.confirm(nowMs, this.replica, entry, incarnation);
      if (isLacking) registerIds.push(registerId);
      else if (verdict === 'stale') stale.push({ registerId, held: held!.stamp });
      const live = this.replica.live(dataInfoId, registerId);
      if (live) claimed.add(live);
      this.replica.noteHolder(live, incarnation);
    }
    for (const publication of this.replica.leaseHolders.heldBy(incarnation))
      if (!claimed.has(publication)) this.replica.noteHolder(publication, NOBODY);
    const unclaimed = this.replica
      .ownedBy(incarnation)
      .filter((publication) => !claimed.has(publication))
      .map(nameOf);
    this.digests.set(incarnation, { number: message.number, unclaimed });
    this.options.counters.publicationsAskedFor += registerIds.length;
    this.agreements.digested(incarnation, registerIds.length + unclaimed.length);
    if (this.replica.isComplete) this.removeUnclaimed(nowMs);
    const { slot, leaderEpoch } = this.replica;
    return { kind: 'want', slot, leaderEpoch, number: message.number, registerIds, stale };
  }

  private reconcile(
    nowMs: number,
    incarnation: string,
    message: MessageOf<'reconcile'>,
  ): Extract<DataToSession, { kind: 'reconciled' }> | undefined {
    if (this.digests.get(incarnation)?.number !== message.number) return undefined;
    const stale: { registerId: string; held: Stamp }[] = [];
    this.options.arrivals.note(this.replica, nowMs, message);
    for (const operation of message.operations) {
      const result = this.replica.apply(nowMs, operation, incarnation);
      if (result.status === 'stored') continue;
      const { registerId } = operation.op === 'publish' ? operation.publication : operation;
      stale.push({ registerId, held: result.held });
    }
    this.waitSet.reconciled(incarnation);
    this.agreements.reconciled(nowMs, incarnation);
    const { slot, leaderEpoch } = this.replica;
    return { kind: 'reconciled', slot, leaderEpoch, number: message.number, stale };
  }

  private renew(nowMs: number, peer: SessionPeer, message: MessageOf<'renew'>, isInTouch: boolean): RenewResult {
    const publication = this.replica.live(message.dataInfoId, message.registerId);
    if (publication?.leaseMs !== undefined && this.replica.renew(nowMs, publication)) {
      const renewed = { status: 'renewed' as const, expiresInMs: publication.leaseMs };
      if (!message.adopt) return renewed;
      this.replica.noteHolder(publication, peer.incarnation);
      return { ...renewed, publication: publication.copy() };
    }
    // Only who would know of every lease may say that there is none.
    const extra = { retryAfterMs: RETRY_AFTER_MS };
    if (!this.replica.isComplete) return { status: 'failed', failure: failure('PENDING', undefined, extra) };
    if (!isInTouch) return { status: 'failed', failure: failure('NO_LEADER', undefined, extra) };
    return { status: 'failed', failure: failure('NOT_REGISTERED') };
  }

  /** Behind every change before it; whoever is not linked now has missed it. */
  private announce({ publication }: MessageOf<'announce'>, out: Outbox): void {
    const { slot, leaderEpoch } = this.replica;
    const temporary: DataToSession = { kind: 'temporary', slot, leaderEpoch, publication };
    for (const link of this.replica.interestedIn(publication.dataInfoId))
      out.push({ type: 'send', link, message: temporary });
  }

  /** The answer may come in a later step than the question, and then goes to where that step's go. */
  private persist(nowMs: number, peer: SessionPeer, message: MessageOf<'persist'>, out: Outbox): void {
    const link = peer.link!;
    const { requestId } = message;
    this.answering = out;
    this.persisting.set(link, (this.persisting.get(link) ?? 0) + 1);
    this.durable.persist(nowMs, message, peer.incarnation, (result) => {
      const count = this.persisting.get(link);
      if (count === undefined) return;
      if (count > 1) this.persisting.set(link, count - 1);
      else this.persisting.delete(link);
      const { slot } = this.replica;
      this.answering.push({ type: 'send', link, message: { kind: 'persisted', slot, requestId, result } });
    });
  }

  /**
   * Becomes complete when nobody is waited for any more, then tells everyone what changed.
   * @param answer to whoever changed something
   */
  private settle(nowMs: number, out: Outbox, answer?: Sending): void {
    this.answering = out;
    this.durable.advance(nowMs);
    const isCompleting = !this.replica.isComplete && this.waitSet.isEmpty && this.durable.isConfirmed;
    tellChanges(isCompleting ? [] : this.replica.takeDeliveries(), out, answer);
    if (isCompleting) {
      this.removeUnclaimed(nowMs);
      this.forgetUnconfirmed();
      this.replica.complete();
      tellComplete(this.replica, this.comparing, out);
    }
    this.tellEndedLeases(out);
    this.replication.flush(out);
    this.durable.flush(out);
  }

  /** Nobody will claim the rest of what does not count. */
  forgetUnconfirmed(): void {
    this.unconfirmed?.forget(this.replica);
    this.unconfirmed = undefined;
  }

  /**
   * Whoever holds a copy must not replay it to a next leader. All session servers are told, rather than a list of
   * holders kept per publication; one that is not linked just now meets the tombstone with its next digest.
   */
  private tellEndedLeases(out: Outbox): void {
    const ended = this.replica.takeEndedLeases();
    if (ended.length === 0) return;
    const { slot, leaderEpoch } = this.replica;
    const { sessions } = this.options;
    const message: DataToSession = { kind: 'leaseEnded', slot, leaderEpoch, ended };
    for (const link of sessions.links()) out.push({ type: 'send', link, message });
  }

  /**
   * What its own session server, by its latest digest, no longer holds. Only what still has the stamp, and hence the
   * owner, that it had when the digest came (invariant 2).
   */
  private removeUnclaimed(nowMs: number): void {
    for (const [incarnation, digest] of this.digests) {
      for (const unclaimed of digest.unclaimed) {
        const live = this.replica.live(unclaimed.dataInfoId, unclaimed.registerId);
        if (!live || compareStamps(live.stamp, unclaimed.stamp) !== 0) continue;
        this.replica.remove(nowMs, unclaimed, 'unclaimed', incarnation);
      }
      digest.unclaimed = [];
    }
  }
}
