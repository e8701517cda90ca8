import type { ContentHash } from '#model';
import type { FollowerCounters } from './replication/follower-side.js';
import type { SlotReplica } from './slot-replica.js';

/** Since when the leader of a slot and a session server are known to agree on what that one holds. */
export interface SessionAgreement {
  incarnation: string;
  agreedAgoMs: number;
}

/**
 * The comparisons of a slot with the session servers. A difference that was found counts only when the digest that
 * follows shows that something is missing on either side: that the session server has not heard yet of what superseded
 * its word is how clients move.
 */
export class Agreements {
  private readonly agreedAtMs = new Map<string, number>();
  /** Those whose comparison has failed, and whose digest has not come yet. */
  private readonly differing = new Set<string>();
  private readonly repairing = new Set<string>();

  constructor(
    private readonly replica: SlotReplica,
    private readonly counters: FollowerCounters,
  ) {}

  /** @param hash of what the session server holds @returns whether the leader comes to the same */
  compare(nowMs: number, incarnation: string, hash: ContentHash): boolean {
    const agrees = hash === this.replica.hashOf(incarnation);
    if (agrees) this.agreedAtMs.set(incarnation, nowMs);
    else this.differing.add(incarnation);
    return agrees;
  }

  /** @param differences publications that only one side has, or has newer */
  digested(incarnation: string, differences: number): void {
    if (!this.differing.delete(incarnation) || differences === 0) return;
    this.counters.divergencesFound++;
    this.repairing.add(incarnation);
  }

  reconciled(nowMs: number, incarnation: string): void {
    this.agreedAtMs.set(incarnation, nowMs);
    if (this.repairing.delete(incarnation)) this.counters.divergencesRepaired++;
  }

  forget(incarnation: string): void {
    this.agreedAtMs.delete(incarnation);
    this.differing.delete(incarnation);
    this.repairing.delete(incarnation);
  }

  list(nowMs: number): SessionAgreement[] {
    return Array.from(this.agreedAtMs, ([incarnation, atMs]) => ({ incarnation, agreedAgoMs: nowMs - atMs }));
  }
}
