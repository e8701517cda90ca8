/**
 * How much pushing has been done lately, as work that is still to be paid for: every push adds what it costs, and time
 * takes it away at the rate at which it passes. So it is 0 where pushes are few, and its height is for how long a server
 * that did nothing but push would be busy. It is made of numbers that the core knows, hence the same in every run.
 */
export class PushLoad {
  private ms = 0;
  private atMs = -Infinity;

  /** @param mostMs more is not remembered, so that the end of a rush is felt soon */
  constructor(public mostMs: number) {}

  at(nowMs: number): number {
    return Math.max(0, this.ms - (nowMs - this.atMs));
  }

  /** Adds work; answers the load with it. */
  add(nowMs: number, workMs: number): number {
    this.ms = Math.min(this.at(nowMs) + workMs, this.mostMs);
    this.atMs = nowMs;
    return this.ms;
  }
}
