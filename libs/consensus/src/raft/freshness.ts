/**
 * How old the state of a follower is at most. A leader's append says to where the group had committed when it was sent;
 * once the follower has applied that much, its state is at least as new as that message. A new leader knows how far the
 * group had committed only when an entry of its own term is, so the follower must have applied one, too.
 *
 * When a message was sent cannot be told from when it came: it may have waited, on the way or here, while this process
 * stood still. But an append names the last round whose answer had come back to the leader, so it was sent after that
 * round had been here. That moment is by this node's own clock, and it is the one that counts.
 */
export class Freshness {
  private term = 0;
  private round = 0;
  private asOfMs = -Infinity;
  /** When each round of this term came, ascending: those that the leader has not said to be answered, and the last that is. */
  private received: { round: number; atMs: number }[] = [];
  /** Contacts not caught up with yet: the oldest, and the latest, which takes its place. */
  private next: Contact | undefined;
  private latest: Contact | undefined;

  /**
   * An append of the present leader. One that was overtaken by a later one proves nothing.
   * @param answered the last round whose answer the leader had when it sent this; 0 for none
   */
  contact(term: number, round: number, commit: number, answered: number, nowMs: number): void {
    if (term < this.term || (term === this.term && round <= this.round)) return;
    if (term > this.term) this.received = [];
    this.term = term;
    this.round = round;
    const sentAfterMs = this.receivedBy(answered);
    this.received.push({ round, atMs: nowMs });
    // Half of them do as well, for an earlier moment than the true one is true, too.
    if (this.received.length > RECEIVED_MAX) this.received = this.received.filter((_, at) => at % 2 === 0);
    if (sentAfterMs === undefined) return;
    const contact = { term, commit, atMs: sentAfterMs };
    if (this.next) this.latest = contact;
    else this.next = contact;
  }

  /** @param term of the last entry applied */
  applied(index: number, term: number): void {
    while (this.next && this.next.commit <= index && this.next.term <= term) {
      this.asOfMs = Math.max(this.asOfMs, this.next.atMs);
      this.next = this.latest;
      this.latest = undefined;
    }
  }

  ageMs(nowMs: number): number {
    return nowMs - this.asOfMs;
  }

  /** When the latest of the rounds up to this one came. */
  private receivedBy(answered: number): number | undefined {
    const after = this.received.findIndex(({ round }) => round > answered);
    this.received = this.received.slice(Math.max(0, (after < 0 ? this.received.length : after) - 1));
    const [last] = this.received;
    return last && last.round <= answered ? last.atMs : undefined;
  }
}

interface Contact {
  term: number;
  commit: number;
  atMs: number;
}

/** Rounds that are remembered while no answer comes back to the leader. */
const RECEIVED_MAX = 64;
