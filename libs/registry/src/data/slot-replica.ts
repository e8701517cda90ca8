import {
  type DataInfoId,
  type DataToSession,
  type DatumVersion,
  type LinkId,
  type Operation,
  type OperationResult,
  type Publication,
  type Removal,
  type RemovalCause,
  type Stamp,
  type ContentHash,
  type ReplicatedDatum,
  type ReplicatedOperation,
  compareStamps,
} from '#model';
import { type Held, merge } from '../merge.js';
import { Changes, type Delivery } from './changes.js';
import { type HashSum, formatHash } from '../content-hash.js';
import type { NamesOff } from '../names-off.js';
import { Datum } from './datum.js';
import { heldIn, ownBytes, ownedIn } from './entries.js';
import { type Hidden, NOTHING_HIDDEN, hashOf, shown, switchedIn } from './hidden.js';
import { Interest } from './interest.js';
import { LeaseHolders, NOBODY } from './lease-holders.js';
import { Leases } from './leases.js';
import { KeptPublication, type LiveName, type Memory, copies } from './memory/kept-publication.js';
import { Slabs } from './memory/slabs.js';
import { Owned } from './owned.js';
import { RemovalLog } from './removal-log.js';
import { Tombstones } from './tombstones.js';

export interface ReplicaOptions {
  slot: number;
  leaderEpoch: number;
  tombstoneMs: number;
  /** Where sequences start: 0, but for a leader without meta's word; see `Leadership`. */
  firstSequence?: number;
  /** Gives one string object for equal strings, so that a zone is not held a million times. */
  intern: (text: string) => string;
}

/** The keys of etcd among what is held. */
export interface KeysOfSlot {
  changing(before: KeptPublication | undefined, after: Publication | undefined): void;
  switched(publication: KeptPublication, isHidden: boolean): void;
}

export type EndedLease = Extract<DataToSession, { kind: 'leaseEnded' }>['ended'][number];
/**
 * The contents of one slot under one leaderEpoch: operations in, results and changes out. It knows nothing of who leads
 * or who is waited for, so that it serves a follower as well.
 *
 * Versions are (leaderEpoch, slot sequence). No two lives of a slot at one leaderEpoch have sequences in common; see
 * `Leadership`.
 */
export class SlotReplica {
  readonly slot: number;
  leaderEpoch: number;
  /** Told of every operation that changed anything, as it was applied. */
  journal: ((nowMs: number, operation: ReplicatedOperation) => void) | undefined;
  /** Told of every publication that has come, gone or changed, also where no operation did that. */
  changed: ((publication: Publication) => void) | undefined;
  /** Told of every publication that is about to be replaced, or to go. A leader's. */
  keys: KeysOfSlot | undefined;
  /** What session servers are not told of. A leader's; nobody is told anything by others. */
  hidden: Hidden = NOTHING_HIDDEN;
  readonly interest = new Interest();
  readonly leases = new Leases();
  readonly leaseHolders = new LeaseHolders();
  readonly removals = new RemovalLog();
  publicationCount = 0;
  /** Of the bodies of all live publications. */
  bytes = 0;
  sequence: number;
  /** The sequence at which the replica became complete; 0 before. Every version is at least this. */
  private completeAt = 0;
  /** The highest sequence of any datum forgotten. A datum made anew starts there, so that no version goes back. */
  private forgotten: number;
  private readonly datums = new Map<DataInfoId, Datum>();
  private readonly owned = new Owned();
  private readonly memory: Memory;
  private readonly tombstones = new Tombstones();
  /** Of all live publications. */
  private readonly sum: HashSum = { high: 0, low: 0 };
  readonly changes = new Changes();
  private endedLeases: EndedLease[] = [];

  constructor(private readonly options: ReplicaOptions) {
    this.slot = options.slot;
    this.memory = { slabs: new Slabs(), intern: options.intern };
    this.leaderEpoch = options.leaderEpoch;
    this.sequence = options.firstSequence ?? 0;
    this.forgotten = this.sequence;
  }

  get isComplete(): boolean {
    return this.completeAt > 0;
  }

  get tombstoneCount(): number {
    return this.tombstones.count;
  }

  /** Of everything live. */
  get hash(): ContentHash {
    return formatHash(this.sum);
  }

  get datumCount(): number {
    return this.datums.size;
  }

  has(dataInfoId: DataInfoId): boolean {
    return this.datums.has(dataInfoId);
  }

  live(dataInfoId: DataInfoId, registerId: string): KeptPublication | undefined {
    return this.datums.get(dataInfoId)?.publications.get(registerId);
  }

  held(dataInfoId: DataInfoId, registerId: string): Held | undefined {
    const datum = this.datums.get(dataInfoId);
    return datum && heldIn(datum, registerId);
  }

  version(dataInfoId: DataInfoId): DatumVersion {
    return this.versionAt(this.datums.get(dataInfoId)?.sequence ?? this.forgotten);
  }

  publications(dataInfoId: DataInfoId): Publication[] {
    const datum = this.datums.get(dataInfoId);
    return datum ? copies(datum.publications.values()) : [];
  }

  /** All that there is, for people. */
  all(): Iterable<Datum> {
    return this.datums.values();
  }

  find(dataInfoId: DataInfoId): Datum | undefined {
    return this.datums.get(dataInfoId);
  }

  /** Those that session servers are told of. */
  shown(dataInfoId: DataInfoId): Publication[] {
    const { hidden } = this;
    const publications = this.publications(dataInfoId);
    return hidden.names.concerns(dataInfoId) ? shown(publications, hidden) : publications;
  }

  /** Those that are held and that session servers are not told of. */
  hiddenOf(dataInfoId: DataInfoId): string[] {
    const { names } = this.hidden;
    if (!names.concerns(dataInfoId)) return [];
    const publications = this.publications(dataInfoId).filter((publication) => names.isHidden(publication));
    return publications.map(({ registerId }) => registerId);
  }

  /** Of what session servers are told, with its times of registration. */
  hashOfDatum(dataInfoId: DataInfoId): ContentHash {
    if (this.hidden.names.concerns(dataInfoId)) return hashOf(this.shown(dataInfoId));
    return formatHash(this.datums.get(dataInfoId)?.hash ?? { high: 0, low: 0 });
  }

  /** The removals remembered of a datum. */
  removalsOf(dataInfoId: DataInfoId): Removal[] {
    const tombstones = this.datums.get(dataInfoId)?.tombstones?.values() ?? [];
    return Array.from(tombstones, ({ registerId, stamp, cause }) => ({ registerId, stamp, cause }));
  }

  /** Session incarnations that own something here. */
  owners(): IterableIterator<string> {
    return this.owned.sessions();
  }

  owns(session: string): boolean {
    return this.owned.has(session);
  }

  /** The connected publications of a session incarnation, up to a limit. */
  ownedBy(session: string, limit = Infinity): KeptPublication[] {
    return ownedIn(this.datums.values(), session, Math.min(limit, this.owned.count(session)));
  }

  /** Of what the leader believes a session incarnation to hold: what it owns, and the leased publications it has copies of. */
  hashOf(session: string): ContentHash {
    return this.owned.hash(session, this.leaseHolders.heldBy(session));
  }

  /** Applies one operation by the merge rule. A null stamp is filled in and always consumes a sequence. */
  apply(nowMs: number, operation: Operation, by: string): OperationResult {
    const { registerId, dataInfoId } = operation.op === 'publish' ? operation.publication : operation;
    const given = operation.op === 'publish' ? operation.publication.stamp : operation.stamp;
    const datum = this.datum(dataInfoId);
    const held = heldIn(datum, registerId);
    const sequence = given ? 0 : ++this.sequence;
    const stamp = given ?? this.stampAbove(held, sequence);
    const verdict = merge(held, { stamp, live: operation.op === 'publish' });
    if (verdict === 'stale') return { status: 'stale', held: held!.stamp };
    if (verdict === 'take') {
      const applied: Operation =
        operation.op === 'publish'
          ? { op: 'publish', publication: this.store(nowMs, datum, operation.publication, stamp, sequence) }
          : { ...operation, stamp };
      if (applied.op === 'unpublish') this.bury(nowMs, datum, registerId, stamp, applied.cause, by, sequence);
      this.journal?.(nowMs, { ...applied, by });
    }
    if (operation.op === 'publish') this.noteHolder(datum.publications.get(registerId), by);
    return { status: 'stored', stamp, version: this.versionAt(datum.sequence) };
  }

  /** For a write that is applied later on: it always consumes a sequence, and wins over what is held here or `besides`. */
  nextStamp(dataInfoId: DataInfoId, registerId: string, besides?: Stamp): Stamp {
    const held = this.held(dataInfoId, registerId);
    const isHigher = besides && (!held || compareStamps(besides, held.stamp) > 0);
    return this.stampAbove(isHigher ? { stamp: besides, live: true } : held, ++this.sequence);
  }

  /** Removes a publication that is held, at its own stamp (invariant 2: whatever is newer wins over it). */
  remove(nowMs: number, { dataInfoId, registerId, stamp }: LiveName, cause: RemovalCause, by: string): void {
    this.apply(nowMs, { op: 'unpublish', dataInfoId, registerId, stamp, cause }, by);
  }

  /** Whoever sends a leased publication, claims it in a digest or adopts it has a copy. */
  noteHolder(publication: KeptPublication | undefined, incarnation: string): void {
    if (publication?.leaseMs !== undefined) this.leaseHolders.set(publication, incarnation);
  }

  /** Grants a full lease from now. False when no such leased publication is held. */
  renew(nowMs: number, publication: KeptPublication): boolean {
    const { leaseMs } = publication;
    if (leaseMs === undefined) return false;
    this.leases.set(publication, nowMs + leaseMs);
    return true;
  }

  /**
   * Becoming complete is a change: it takes one sequence, and every version is from then on at least that. Changes not
   * delivered yet are dropped, since all who are interested are to be sent the whole datum.
   */
  complete(): void {
    this.completeAt = ++this.sequence;
    this.changes.clear();
  }

  /** Registers interest; changes after this call are delivered to the link. */
  addInterest(link: LinkId, dataInfoId: DataInfoId): void {
    this.interest.add(link, this.datum(dataInfoId));
  }

  interestedIn(dataInfoId: DataInfoId): Iterable<LinkId> {
    return this.datums.get(dataInfoId)?.interest ?? [];
  }

  dropInterest(link: LinkId, dataInfoId: DataInfoId): void {
    const datum = this.datums.get(dataInfoId);
    if (!datum) return;
    this.interest.drop(link, datum);
    this.forgetIfIdle(datum);
  }

  dropLink(link: LinkId): void {
    for (const datum of this.interest.dropLink(link)) this.forgetIfIdle(datum);
  }

  /** What changed since the last call, one change per datum with interest. */
  takeDeliveries(): Delivery[] {
    const { slot, leaderEpoch, isComplete: complete } = this;
    return this.changes.take({ slot, leaderEpoch, complete }, (datum) => this.versionAt(datum.sequence));
  }

  /** The leased publications removed since the last call, however that came about. */
  takeEndedLeases(): EndedLease[] {
    const { endedLeases } = this;
    if (endedLeases.length > 0) this.endedLeases = [];
    return endedLeases;
  }

  /** Forgets at most `limit` tombstones whose time is over; answers how many were looked at. */
  expireTombstones(nowMs: number, limit: number): number {
    return this.tombstones.expire(nowMs, limit, (datum) => this.forgetIfIdle(datum));
  }

  /**
   * What was held as a follower is led from now on, or the other way round. Every datum counts as (leaderEpoch,
   * firstSequence), nobody is interested yet, who keeps copies of leased publications is not known, and their leases begin
   * anew.
   */
  rebase(nowMs: number, leaderEpoch: number, firstSequence: number): void {
    this.leaderEpoch = leaderEpoch;
    this.sequence = this.forgotten = firstSequence;
    this.completeAt = 0;
    this.changes.clear();
    this.endedLeases = [];
    for (const link of this.interest.links()) this.interest.dropLink(link);
    for (const datum of this.datums.values()) {
      datum.sequence = firstSequence;
      for (const publication of datum.publications.values()) {
        if (!this.renew(nowMs, publication)) continue;
        this.leaseHolders.set(publication, NOBODY);
      }
    }
  }

  /**
   * Every datum, and the hash of what is live or remembered of it. The two sides forget removals at different times, so
   * equal datums may at times look different, which costs a needless copy and nothing else.
   */
  *hashes(): Generator<[DataInfoId, ContentHash]> {
    for (const datum of this.datums.values()) if (!datum.isEmpty) yield [datum.dataInfoId, datum.hashWithRemovals()];
  }

  /** All of a datum; undefined when nothing of it is held or remembered. */
  export(dataInfoId: DataInfoId): ReplicatedDatum | undefined {
    const datum = this.datums.get(dataInfoId);
    return datum && { dataInfoId, publications: this.publications(dataInfoId), removals: this.removalsOf(dataInfoId) };
  }

  /** As a follower: makes a datum what the leader holds, whatever was held. */
  import(nowMs: number, { dataInfoId, publications, removals }: ReplicatedDatum, by: string): void {
    this.drop(dataInfoId);
    for (const removal of removals) this.apply(nowMs, { op: 'unpublish', dataInfoId, ...removal }, by);
    for (const publication of publications) this.apply(nowMs, { op: 'publish', publication }, by);
  }

  /** As a follower: the leader holds nothing of the datum. Nothing was removed, so nothing is recorded. */
  drop(dataInfoId: DataInfoId): void {
    const datum = this.datums.get(dataInfoId);
    if (!datum) return;
    for (const publication of datum.publications.values()) this.discard(datum, publication);
    for (const registerId of [...(datum.tombstones?.keys() ?? [])]) this.tombstones.delete(datum, registerId);
    this.datums.delete(dataInfoId);
  }

  private versionAt(sequence: number): DatumVersion {
    return { leaderEpoch: this.leaderEpoch, sequence: Math.max(sequence, this.completeAt) };
  }

  private datum(dataInfoId: DataInfoId): Datum {
    let datum = this.datums.get(dataInfoId);
    if (!datum) this.datums.set(dataInfoId, (datum = new Datum(dataInfoId, this.forgotten)));
    return datum;
  }

  private forgetIfIdle(datum: Datum): void {
    if (!datum.isIdle || this.datums.get(datum.dataInfoId) !== datum) return;
    this.forgotten = Math.max(this.forgotten, datum.sequence);
    this.datums.delete(datum.dataInfoId);
  }

  /** A write without a stamp always wins: it comes from someone who keeps none and cannot try again with a higher. */
  private stampAbove(held: Held | undefined, sequence: number): Stamp {
    const stamp: Stamp = [this.leaderEpoch, sequence, 0];
    if (!held || compareStamps(stamp, held.stamp) > 0) return stamp;
    return [held.stamp[0], held.stamp[1] + 1, 0];
  }

  /** @returns what is live from now on, as everybody is told of it */
  private store(
    nowMs: number,
    datum: Datum,
    incoming: Omit<Publication, 'stamp'>,
    stamp: Stamp,
    sequence: number,
  ): Publication {
    const { registerId, zone, appName, registerTimestamp, owner, body } = incoming;
    const { dataInfoId } = datum;
    const publication: Publication = {
      ...{ registerId, dataInfoId, zone, appName, registerTimestamp, stamp, owner },
      body: ownBytes(body),
    };
    let kept = datum.publications.get(registerId);
    const visible = !kept?.looksLike(publication);
    this.keys?.changing(kept, publication);
    if (kept) {
      // One complete version has one content (invariant 4), down to the time shown to people.
      if (!visible) publication.registerTimestamp = kept.registerTimestamp;
      this.release(datum, kept);
    } else {
      this.publicationCount++;
      this.tombstones.delete(datum, registerId);
      datum.publications.set(registerId, (kept = new KeptPublication(registerId, dataInfoId)));
    }
    kept.set(publication, this.memory);
    this.count(datum, publication, 1);
    this.renew(nowMs, kept);

    if (this.hidden.names.isHidden(kept)) return publication;
    // Told also when only stamp or owner changed, at an unchanged version: a subscriber's session server that knew an
    // older stamp would, under the next leader, believe a removal which the live entry has long outgrown.
    this.touch(datum, visible, sequence);
    this.changes.upserted(datum, publication);
    return publication;
  }

  private bury(
    nowMs: number,
    datum: Datum,
    registerId: string,
    stamp: Stamp,
    cause: RemovalCause,
    by: string,
    sequence: number,
  ): void {
    const before = datum.publications.get(registerId);
    if (before) {
      this.keys?.changing(before, undefined);
      if (before.leaseMs !== undefined) this.endedLeases.push({ registerId, stamp });
      this.removals.add({ registerId, dataInfoId: datum.dataInfoId, stamp, cause, ...before.teller, atMs: nowMs, by });
      this.discard(datum, before);
    }
    const untilMs = nowMs + this.options.tombstoneMs;
    this.tombstones.add(datum, { registerId, stamp, cause, datum, untilMs });
    // While partial, session servers may show from earlier what is not known here yet; they must hear of its removal.
    if (!before && this.isComplete) return;
    this.touch(datum, true, sequence);
    this.changes.removed(datum, { registerId, stamp, cause });
  }

  /** Operators have switched names off or on. Whoever is interested is told so as of any other change. */
  switched(nowMs: number, before: NamesOff): void {
    for (const { datum, publication, isHidden } of switchedIn(this.datums, before, this.hidden)) {
      this.touch(datum, true, 0);
      this.keys?.switched(publication, isHidden);
      if (!isHidden) {
        this.changes.upserted(datum, publication.copy());
        continue;
      }
      const { registerId, stamp } = publication;
      const removal = { registerId, stamp, cause: 'operator' as const };
      const { dataInfoId } = datum;
      this.removals.add({ ...removal, dataInfoId, ...publication.teller, atMs: nowMs, by: 'operator' });
      this.changes.removed(datum, removal);
    }
  }

  /** Opens the datum's pending change where somebody wants it, then raises its version if the change is visible. */
  private touch(datum: Datum, visible: boolean, sequence: number): void {
    this.changes.open(datum, () => this.versionAt(datum.sequence));
    if (visible) datum.sequence = sequence || ++this.sequence;
  }

  private discard(datum: Datum, publication: KeptPublication): void {
    datum.publications.delete(publication.registerId);
    this.publicationCount--;
    this.release(datum, publication);
    publication.release(this.memory.slabs);
  }

  /** Ends what hangs on a publication that is replaced or removed. */
  private release(datum: Datum, publication: KeptPublication): void {
    this.leases.delete(publication);
    this.leaseHolders.delete(publication);
    this.count(datum, publication.lend(), -1);
  }

  private count(datum: Datum, publication: Publication, by: 1 | -1): void {
    this.bytes += by * publication.body.byteLength;
    this.owned.add(publication, by, datum.hash, this.sum);
    this.changed?.(publication);
  }
}
