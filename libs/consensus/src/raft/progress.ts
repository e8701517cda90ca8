import type { SnapshotMeta } from './contract.js';

/** A snapshot on its way to a peer: one chunk at a time is read from the host, sent, and answered. */
export interface SnapshotSending {
  meta: SnapshotMeta;
  /** Of the chunk that is under way. */
  offset: number;
  stage: 'reading' | 'sent';
  /** When the stage began. */
  sinceMs: number;
}

/**
 * What a leader knows of one peer.
 *
 * - `probe`: where the logs part is not known; one append at a time until one matches.
 * - `replicate`: they match to `next` as far as is known; appends are pipelined, and `next` runs ahead of the answers.
 * - `snapshot`: the peer needs entries that are gone here; no entries until it has the snapshot.
 *
 * Always `matched < next`.
 */
export class Progress {
  state: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** The peer has everything to here on its disk. */
  matched = 0;
  /** The first entry of the next append. */
  next: number;
  /** In `probe`: an append is under way, and no other is sent before its answer or the next heartbeat. */
  probing = false;
  snapshot: SnapshotSending | undefined;
  /** The highest round answered. */
  answeredRound = 0;
  /** When the round began that was answered last: the peer followed this leader at some moment after it. */
  activeMs: number;
  /** The highest commit sent. */
  sentCommit = 0;
  /** The last index of each append not yet answered, ascending. */
  private inFlight: number[] = [];

  constructor(
    next: number,
    nowMs: number,
    private readonly maxInFlight: number,
  ) {
    this.next = next;
    this.activeMs = nowMs;
  }

  get paused(): boolean {
    if (this.state === 'snapshot') return true;
    return this.state === 'probe' ? this.probing : this.inFlight.length >= this.maxInFlight;
  }

  get idle(): boolean {
    return this.inFlight.length === 0;
  }

  sent(lastIndex: number): void {
    if (this.state === 'probe') {
      this.probing = true;
      return;
    }
    this.inFlight.push(lastIndex);
    this.next = lastIndex + 1;
  }

  /**
   * The peer has everything to `matched`.
   * @param base the last index before this leader's log begins
   */
  matches(matched: number, base: number): void {
    if (matched > this.matched) {
      this.matched = matched;
      this.next = Math.max(this.next, matched + 1);
      this.inFlight = this.inFlight.filter((lastIndex) => lastIndex > matched);
    }
    if (this.state === 'probe' || (this.state === 'snapshot' && this.matched >= base)) {
      this.state = 'replicate';
      this.next = this.matched + 1;
      this.snapshot = undefined;
      this.inFlight = [];
    }
  }

  /**
   * The peer's log does not match; `next` is where it may. An answer to something older than what matches is ignored,
   * and so is one that would not move a probe back: it belongs to an earlier probe, and to act on it would answer every
   * message with another.
   */
  parts(conflict: number, next: number): void {
    const from = Math.max(next, this.matched + 1);
    if (this.state === 'snapshot' || conflict < this.matched) return;
    if (this.state === 'replicate' || from < this.next) this.probe(from);
  }

  /** What is in flight may be lost: look again from what is known to match. */
  lost(): void {
    if (this.state === 'replicate') this.probe(this.matched + 1);
  }

  sendSnapshot(meta: SnapshotMeta, nowMs: number): void {
    this.state = 'snapshot';
    this.snapshot = { meta, offset: 0, stage: 'reading', sinceMs: nowMs };
    this.inFlight = [];
  }

  private probe(next: number): void {
    this.state = 'probe';
    this.next = next;
    this.probing = false;
    this.inFlight = [];
  }
}
