import type {
  DataInfoId,
  LeaderToReplica,
  LinkId,
  ReplicaToLeader,
  ReplicatedDatum,
  ReplicatedOperation,
} from '#model';
import type { SlotReplica } from '../slot-replica.js';
import { OperationLog, type RetentionLimits, bytesOf } from './operation-log.js';

export interface ReplicationLimits extends RetentionLimits {
  /** Operations sent to a follower and not acknowledged; what is beyond waits in the log. */
  unackedOperations: number;
  /** One message: what fills it up ends it. */
  messageBytes: number;
  /** Each follower's content is compared with the leader's this often. */
  compareReplicasMs: number;
}

/** A replica that follows, as its leader sees it. */
interface Follower {
  readonly link: LinkId;
  readonly incarnation: string;
  readonly number: number;
  /** Datums that differ and are still to be sent; undefined once all were. */
  missing: DataInfoId[] | undefined;
  gone: DataInfoId[];
  partsSent: number;
  partsTaken: number;
  sent: number;
  acked: number;
  comparedAtMs: number;
  agreedAtMs: number | undefined;
}

/** How far a follower is behind. */
export interface ReplicaLag {
  incarnation: string;
  /** False while it is still being given what differs. */
  streaming: boolean;
  operations: number;
  lagMs: number;
  /** Since it was last found to hold the same; left out until it was. */
  agreedAgoMs?: number;
}

type Follow = Extract<ReplicaToLeader, { kind: 'follow' }>;
type Replicated = Extract<ReplicaToLeader, { kind: 'replicated' }>;
type Outbox = { push(effect: { type: 'send'; link: LinkId; message: LeaderToReplica }): unknown };

/** Parts of an answer to `follow` that may be under way at once. */
const PARTS_IN_FLIGHT = 2;

/**
 * The leader's side of replication: every operation gets a position, and each follower is first given what differs from
 * what it has, datum by datum, and then every operation since it asked. A datum is sent as it is when its turn comes, so it
 * may contain operations that follow in the stream; by the merge rule those then change nothing.
 */
export class Replication {
  private readonly log: OperationLog;
  private readonly followers = new Map<LinkId, Follower>();

  constructor(
    private readonly replica: SlotReplica,
    private readonly limits: ReplicationLimits,
  ) {
    this.log = new OperationLog(limits);
  }

  get position(): number {
    return this.log.last;
  }

  /** Operations are kept only while somebody follows. */
  follow(nowMs: number, link: LinkId, incarnation: string, message: Follow, out: Outbox): void {
    const theirs = new Map(message.hashes);
    const missing: DataInfoId[] = [];
    for (const [dataInfoId, hash] of this.replica.hashes()) {
      if (theirs.get(dataInfoId) !== hash) missing.push(dataInfoId);
      theirs.delete(dataInfoId);
    }
    for (const [other, follower] of this.followers)
      if (follower.incarnation === incarnation) this.followers.delete(other);
    this.followers.set(link, {
      link,
      incarnation,
      number: message.number,
      missing,
      gone: [...theirs.keys()],
      partsSent: 0,
      partsTaken: 0,
      sent: this.log.last,
      acked: 0,
      comparedAtMs: nowMs,
      agreedAtMs: undefined,
    });
    this.replica.journal = (atMs, operation) => this.log.append(atMs, operation);
    this.flush(out);
  }

  acknowledged(nowMs: number, link: LinkId, message: Replicated, out: Outbox): void {
    const follower = this.followers.get(link);
    if (!follower || follower.number !== message.number) return;
    follower.partsTaken = Math.max(follower.partsTaken, Math.min(message.parts, follower.partsSent));
    follower.acked = Math.max(follower.acked, Math.min(message.position, follower.sent));
    if (message.agrees) follower.agreedAtMs = nowMs;
    this.trim();
    this.flush(out);
  }

  dropLink(link: LinkId): void {
    if (this.followers.delete(link)) this.left();
  }

  /**
   * Only those are to follow: nothing more is sent to any other, nor kept for it. One that follows by a newer table than the
   * one that is known here asks anew.
   */
  keep(incarnations: ReadonlySet<string>, out: Outbox): void {
    const { slot, leaderEpoch } = this.replica;
    for (const { link, incarnation, number } of this.followers.values()) {
      if (incarnations.has(incarnation)) continue;
      this.followers.delete(link);
      this.send(out, link, { kind: 'followAnew', slot, leaderEpoch, number });
      this.left();
    }
  }

  private left(): void {
    if (this.followers.size > 0) return this.trim();
    this.replica.journal = undefined;
    this.log.dropTo(this.log.last);
  }

  /** Sends what waits, as far as each follower takes it. */
  flush(out: Outbox): void {
    for (const follower of this.followers.values()) {
      this.sendMissing(follower, out);
      if (follower.missing === undefined) this.sendOperations(follower, out);
    }
  }

  /** Compares what is due; with both sides at one position, equal contents have equal hashes. */
  compare(nowMs: number, out: Outbox): void {
    for (const follower of this.followers.values()) {
      const { link, number, sent, missing, comparedAtMs } = follower;
      if (missing !== undefined || sent < this.log.last || nowMs - comparedAtMs < this.limits.compareReplicasMs)
        continue;
      follower.comparedAtMs = nowMs;
      const { slot, leaderEpoch, hash } = this.replica;
      this.send(out, link, { kind: 'compare', slot, leaderEpoch, number, position: sent, hash });
    }
  }

  lags(nowMs: number): ReplicaLag[] {
    return Array.from(this.followers.values(), ({ incarnation, missing, acked, agreedAtMs }) => ({
      incarnation,
      streaming: missing === undefined,
      operations: this.log.last - acked,
      lagMs: this.log.ageMs(nowMs, acked + 1),
      ...(agreedAtMs === undefined ? {} : { agreedAgoMs: nowMs - agreedAtMs }),
    }));
  }

  /** True when the follower has applied everything there is. */
  hasAll(incarnation: string): boolean {
    for (const follower of this.followers.values())
      if (follower.incarnation === incarnation)
        return follower.missing === undefined && follower.acked >= this.log.last;
    return false;
  }

  private sendMissing(follower: Follower, out: Outbox): void {
    const { link, number } = follower;
    const { slot, leaderEpoch } = this.replica;
    while (follower.missing && follower.partsSent - follower.partsTaken < PARTS_IN_FLIGHT) {
      const { datums, rest } = this.nextPart(follower.missing);
      const isLast = rest.length === 0;
      const { gone } = follower;
      follower.gone = [];
      follower.missing = isLast ? undefined : rest;
      follower.partsSent++;
      const position = isLast ? { position: follower.sent } : {};
      this.send(out, link, { kind: 'replica', slot, leaderEpoch, number, datums, gone, ...position });
    }
  }

  private nextPart(missing: DataInfoId[]): { datums: ReplicatedDatum[]; rest: DataInfoId[] } {
    const datums: ReplicatedDatum[] = [];
    let bytes = 0;
    let taken = 0;
    for (; taken < missing.length && bytes < this.limits.messageBytes; taken++) {
      const dataInfoId = missing[taken]!;
      // What has been forgotten since is as good as empty.
      const datum = this.replica.export(dataInfoId) ?? { dataInfoId, publications: [], removals: [] };
      datums.push(datum);
      for (const { body } of datum.publications) bytes += 200 + body.byteLength;
      bytes += 100 * datum.removals.length;
    }
    return { datums, rest: missing.slice(taken) };
  }

  private sendOperations(follower: Follower, out: Outbox): void {
    const { link, number } = follower;
    const { slot, leaderEpoch } = this.replica;
    while (follower.sent < this.log.last && follower.sent - follower.acked < this.limits.unackedOperations) {
      const room = this.limits.unackedOperations - (follower.sent - follower.acked);
      const kept = this.log.from(follower.sent + 1, room);
      if (!kept) {
        this.followers.delete(link);
        this.send(out, link, { kind: 'followAnew', slot, leaderEpoch, number });
        return;
      }
      const operations = fitting(kept, this.limits.messageBytes);
      const first = follower.sent + 1;
      follower.sent += operations.length;
      this.send(out, link, { kind: 'replicate', slot, leaderEpoch, number, first, operations });
    }
  }

  /** What every follower has is needed no longer. One that is still being given the datums needs all since it asked. */
  private trim(): void {
    let needed = this.log.last;
    for (const { missing, sent, acked } of this.followers.values())
      needed = Math.min(needed, missing === undefined ? acked : sent);
    this.log.dropTo(needed);
  }

  private send(out: Outbox, link: LinkId, message: LeaderToReplica): void {
    out.push({ type: 'send', link, message });
  }
}

function fitting(operations: ReplicatedOperation[], maxBytes: number): ReplicatedOperation[] {
  let bytes = 0;
  let count = 0;
  while (count < operations.length && (count === 0 || bytes < maxBytes)) bytes += bytesOf(operations[count++]!);
  return count === operations.length ? operations : operations.slice(0, count);
}
