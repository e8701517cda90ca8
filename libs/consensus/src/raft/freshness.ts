/**
 * How old the state of a follower is at most. A leader's append says to where the group had committed when it was sent;
 * once the follower has applied that much, its state is at least as new as that message. A new leader knows how far the
 * group had committed only when an entry of its own term is, so the follower must have applied one, too. How long the
 * message was on its way cannot be known here and does not count.
 */
export class Freshness {
  private term = 0;
  private round = 0;
  private asOfMs = -Infinity;
  /** Contacts not caught up with yet: the oldest, and the latest, which takes its place. */
  private next: Contact | undefined;
  private latest: Contact | undefined;

  /** An append of the present leader. One that was overtaken by a later one proves nothing. */
  contact(term: number, round: number, commit: number, nowMs: number): void {
    if (term < this.term || (term === this.term && round <= this.round)) return;
    this.term = term;
    this.round = round;
    const contact = { term, commit, atMs: nowMs };
    if (this.next) this.latest = contact;
    else this.next = contact;
  }

  /** @param term of the last entry applied */
  applied(index: number, term: number): void {
    while (this.next && this.next.commit <= index && this.next.term <= term) {
      this.asOfMs = this.next.atMs;
      this.next = this.latest;
      this.latest = undefined;
    }
  }

  ageMs(nowMs: number): number {
    return nowMs - this.asOfMs;
  }
}

interface Contact {
  term: number;
  commit: number;
  atMs: number;
}
