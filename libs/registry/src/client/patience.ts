/** The longest that an answer is waited for, in deadlines. */
export const MOST_PATIENCE = 3;

/**
 * How long an answer is waited for. A server that thousands come back to at once answers all of them, but late; where each
 * gives up and comes again, it does all of it once more, and nobody is ever answered. So who was not answered waits longer
 * the next time, wherever that is, as retransmissions of TCP do (RFC 6298, 5.5), until an answer has come in half the time.
 */
export class Patience {
  private times = 1;

  constructor(private readonly leastMs: number) {}

  get ms(): number {
    return this.times * this.leastMs;
  }

  failed(): void {
    this.times = Math.min(this.times + 1, MOST_PATIENCE);
  }

  /** @param leftMs of the deadline */
  answered(leftMs: number): void {
    if (leftMs > this.ms / 2) this.times = 1;
  }
}
