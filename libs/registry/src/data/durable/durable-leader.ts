import {
  type DataInfoId,
  type DurableEntry,
  type LeaderToReplica,
  type LinkId,
  type PersistResult,
  type ReplicaToLeader,
  type SessionToData,
  type SlotAssignment,
  failure,
} from '#model';
import type { Arrivals, Arriving } from '../arrivals.js';
import { ownBytes } from '../entries.js';
import type { SlotReplica } from '../slot-replica.js';
import type { DurableDisk } from './durable-disk.js';
import type { DurableReplica } from './durable-replica.js';

/** Asked for and not on every disk yet; more than this is refused. */
const STAGED_MAX = 500;
const RETRY_AFTER_MS = 1_000;

type Follow = Extract<ReplicaToLeader, { kind: 'follow' }>;
type Written = Extract<ReplicaToLeader, { kind: 'written' }>;
type Outbox = { push(effect: { type: 'send'; link: LinkId; message: LeaderToReplica }): unknown };
type Persist = Pick<Extract<SessionToData, { kind: 'persist' }>, 'operation' | 'acceptedAtMs' | 'traces'>;
type Answer = (result: PersistResult) => void;

/** A follower, as far as disks go. */
interface Follower {
  readonly incarnation: string;
  readonly number: number;
  /** The position to which it has been given everything, and to which it has everything on disk. */
  sent: number;
  written: number;
}

interface Staged {
  position: number;
  entry: DurableEntry;
  by: string;
  arriving: Arriving;
  answer: Answer;
}

export interface DurableLeaderOptions {
  nowMs: number;
  replica: SlotReplica;
  disk: DurableDisk;
  /** A leader without meta's word does not know which replicas its predecessor has proposed: it takes no writes. */
  isStandIn: boolean;
  arrivals: Arrivals;
  /** Persistent writes wait this long for a disk before meta is told that it is behind. */
  patienceMs: number;
  messageBytes: number;
}

/**
 * The persistent publications of a slot at its leader (invariant 8). A write is first only on disks: here, and on those of
 * the followers; it is shown and acknowledged when every disk counts it that the table names for the slot, or that this
 * leader has proposed to be named. Under one leaderEpoch that set grows by nobody's word but the leader's, so that a
 * table which is not the latest cannot make it miss one; under a higher one, nobody acknowledges to it any more.
 *
 * What a leader inherits may include what its predecessor never acknowledged: it is shown, and the slot complete, only
 * once it is on all of these disks, too.
 */
export class DurableLeader {
  isConfirmed = false;
  private readonly durable: DurableReplica;
  private readonly followers = new Map<LinkId, Follower>();
  private readonly staged: Staged[] = [];
  /** Not sent to the followers yet. */
  private unsent: DurableEntry[] = [];
  /** What was inherited is everything to here; changes are numbered by `DurableReplica`. */
  private inherited: number;
  private last: number;
  private waitingSinceMs: number;
  private assignment: SlotAssignment | undefined;
  private diskOf: (incarnation: string) => string | undefined = () => undefined;
  /** Replicas that meta was told are complete, until the table shows them complete, or not joining any more. */
  private readonly proposed = new Set<string>();

  constructor(private readonly options: DurableLeaderOptions) {
    const { nowMs, replica, disk } = options;
    this.durable = disk.at(replica.slot);
    this.inherited = this.last = this.durable.changes;
    this.waitingSinceMs = nowMs;
  }

  /** Whether anything is to happen as soon as the table says so. */
  get isWaiting(): boolean {
    return !this.isConfirmed || this.staged.length > 0;
  }

  get stagedCount(): number {
    return this.staged.length;
  }

  /** The slot has yet to be marked as one that holds persistent publications. */
  get wantsMark(): boolean {
    const { diskId } = this.options.disk;
    const isUnmarked = this.assignment !== undefined && !this.assignment.durable;
    return isUnmarked && diskId !== undefined && !this.options.isStandIn && !this.durable.isEmpty;
  }

  /**
   * What the table says of the slot, at the leaderEpoch of this leader. One that began from nothing, in a slot that is not
   * durable, has on its disk what was never acknowledged, or what an operator has given up: neither is to be seen again. A
   * stand-in's table may be older than what its predecessor has acknowledged.
   */
  takeAssignment(assignment: SlotAssignment, diskOf: (incarnation: string) => string | undefined): void {
    const { disk, isStandIn } = this.options;
    const isFirst = this.assignment === undefined;
    if (isFirst && assignment.begun && !assignment.durable && !isStandIn && !this.durable.isEmpty) {
      this.durable.clear();
      this.inherited = this.last = this.durable.changes;
      disk.touch(this.durable.slot);
    }
    this.assignment = assignment;
    this.diskOf = diskOf;
    for (const incarnation of this.proposed)
      if (!assignment.joining.includes(incarnation)) this.proposed.delete(incarnation);
  }

  /** Meta is told that the replica is complete: from now on its disk counts. */
  propose(incarnation: string): void {
    this.proposed.add(incarnation);
  }

  /** True when the replica may be proposed: its disk has everything there is, acknowledged or not. */
  hasAll(incarnation: string): boolean {
    if (this.durable.isEmpty && !this.assignment?.durable) return true;
    for (const follower of this.followers.values())
      if (follower.incarnation === incarnation) return follower.written >= this.last;
    return false;
  }

  /** Takes a write, which is answered once it is on all disks, or refused. */
  persist(nowMs: number, { operation, acceptedAtMs, traces }: Persist, by: string, answer: Answer): void {
    const { disk, isStandIn, replica } = this.options;
    const { registerId, dataInfoId } = operation.op === 'publish' ? operation.publication : operation;
    const held = this.durable.find(dataInfoId, registerId);
    if (operation.op === 'unpublish' && !held?.publication && this.isConfirmed && this.staged.length === 0)
      return answer({ status: 'stored', version: replica.version(dataInfoId) });
    if (disk.diskId === undefined || disk.failure !== undefined || isStandIn) return answer(refusal(disk.failure));
    if (this.staged.length >= STAGED_MAX)
      return answer({ status: 'failed', failure: failure('OVERLOADED', undefined, { retryAfterMs: RETRY_AFTER_MS }) });
    const stamp = replica.nextStamp(dataInfoId, registerId, held?.stamp);
    const entry: DurableEntry = { registerId, dataInfoId, stamp };
    if (operation.op === 'publish') {
      const { publication } = operation;
      entry.publication = { ...publication, stamp, body: ownBytes(publication.body) };
    }
    this.durable.put(entry);
    this.last = this.durable.changes;
    this.unsent.push(entry);
    if (!this.isWaiting) this.waitingSinceMs = nowMs;
    const arriving = { ...(acceptedAtMs === undefined ? {} : { acceptedAtMs }), ...(traces ? { traces } : {}) };
    this.staged.push({ position: this.last, entry, by, arriving, answer });
    disk.touch(replica.slot);
  }

  /** A follower begins: it is given what differs on its disk. One that says nothing of its disk keeps none. */
  follow(link: LinkId, incarnation: string, { number, durable: hashes }: Follow, out: Outbox): void {
    this.flush(out);
    for (const [other, follower] of this.followers)
      if (follower.incarnation === incarnation) this.followers.delete(other);
    if (!hashes) return;
    this.followers.set(link, { incarnation, number, sent: this.last, written: -1 });
    const theirs = new Map(hashes);
    const differing: DataInfoId[] = [];
    for (const [dataInfoId, hash] of this.durable.hashes()) {
      if (theirs.get(dataInfoId) !== hash) differing.push(dataInfoId);
      theirs.delete(dataInfoId);
    }
    this.sendWhole(link, number, [...differing, ...theirs.keys()], out);
  }

  written(link: LinkId, { number, position }: Written): void {
    const follower = this.followers.get(link);
    if (follower?.number !== number) return;
    follower.written = Math.max(follower.written, Math.min(position, follower.sent));
  }

  dropLink(link: LinkId): void {
    this.followers.delete(link);
  }

  /** Gives the followers what is new. */
  flush(out: Outbox): void {
    if (this.unsent.length === 0) return;
    const entries = this.unsent;
    this.unsent = [];
    for (const [link, follower] of this.followers) {
      follower.sent = this.last;
      for (const [at, part] of parts(entries, this.options.messageBytes)) {
        const isLast = at + part.length === entries.length;
        this.send(out, link, follower.number, [], part, isLast ? this.last : undefined);
      }
    }
  }

  /** Shows and acknowledges what is on all disks that count. */
  advance(nowMs: number): void {
    if (!this.isConfirmed && this.isOnAll(this.inherited)) this.confirm(nowMs);
    if (!this.isConfirmed) return;
    while (this.staged.length > 0 && this.isOnAll(this.staged[0]!.position)) {
      const { entry, by, arriving, answer } = this.staged.shift()!;
      const { arrivals, replica } = this.options;
      arrivals.note(replica, nowMs, arriving);
      this.show(nowMs, entry, by);
      answer({ status: 'stored', version: replica.version(entry.dataInfoId) });
      this.waitingSinceMs = nowMs;
    }
  }

  /** The disks for which persistent writes, or completion, have waited for too long. */
  behind(nowMs: number): string[] {
    if (!this.isWaiting || nowMs - this.waitingSinceMs < this.options.patienceMs) return [];
    const position = this.isConfirmed ? this.staged[0]!.position : this.inherited;
    if (this.durable.onDisk < position) return [];
    return [...this.required()].filter((disk) => !this.hasWritten(disk, position));
  }

  private confirm(nowMs: number): void {
    this.isConfirmed = true;
    this.waitingSinceMs = nowMs;
    const later = new Set(this.staged.map(({ entry }) => entry));
    for (const entry of [...this.durable.entries()]) if (!later.has(entry)) this.show(nowMs, entry, 'leader');
  }

  private show(nowMs: number, { dataInfoId, registerId, stamp, publication }: DurableEntry, by: string): void {
    if (publication) this.options.replica.apply(nowMs, { op: 'publish', publication }, by);
    else this.options.replica.apply(nowMs, { op: 'unpublish', dataInfoId, registerId, stamp, cause: 'unpublish' }, by);
  }

  private isOnAll(position: number): boolean {
    const { assignment } = this;
    if (!assignment?.durable) return assignment !== undefined && this.durable.isEmpty;
    if (this.durable.onDisk < position) return false;
    for (const disk of this.required()) if (!this.hasWritten(disk, position)) return false;
    return true;
  }

  private required(): Set<string> {
    const { disks = [], joining } = this.assignment!;
    const required = new Set(disks);
    for (const incarnation of this.proposed) {
      const disk = joining.includes(incarnation) ? this.diskOf(incarnation) : undefined;
      if (disk !== undefined) required.add(disk);
    }
    required.delete(this.options.disk.diskId!);
    return required;
  }

  private hasWritten(disk: string, position: number): boolean {
    for (const { incarnation, written } of this.followers.values())
      if (written >= position && this.diskOf(incarnation) === disk) return true;
    return false;
  }

  private sendWhole(link: LinkId, number: number, dataInfoIds: DataInfoId[], out: Outbox): void {
    let whole: { dataInfoId: DataInfoId; entries: DurableEntry[] }[] = [];
    let bytes = 0;
    for (const dataInfoId of dataInfoIds) {
      const entries = this.durable.of(dataInfoId);
      whole.push({ dataInfoId, entries });
      for (const entry of entries) bytes += sizeOf(entry);
      if (bytes < this.options.messageBytes) continue;
      this.send(out, link, number, whole, []);
      whole = [];
      bytes = 0;
    }
    this.send(out, link, number, whole, [], this.last);
  }

  private send(
    out: Outbox,
    link: LinkId,
    number: number,
    whole: { dataInfoId: DataInfoId; entries: DurableEntry[] }[],
    entries: DurableEntry[],
    position?: number,
  ): void {
    const { slot, leaderEpoch } = this.options.replica;
    const upTo = position === undefined ? {} : { position };
    out.push({ type: 'send', link, message: { kind: 'write', slot, leaderEpoch, number, whole, entries, ...upTo } });
  }
}

function refusal(reason: string | undefined): PersistResult {
  const details = reason === undefined ? {} : { details: { reason } };
  return { status: 'failed', failure: failure('NOT_DURABLE', undefined, { retryAfterMs: RETRY_AFTER_MS, ...details }) };
}

function* parts(entries: DurableEntry[], maxBytes: number): Generator<[at: number, part: DurableEntry[]]> {
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < entries.length; at++) {
    bytes += sizeOf(entries[at]!);
    if (bytes < maxBytes && at + 1 < entries.length) continue;
    yield [from, entries.slice(from, at + 1)];
    from = at + 1;
    bytes = 0;
  }
}

function sizeOf({ publication }: DurableEntry): number {
  return 200 + (publication?.body.byteLength ?? 0);
}
