/** The longest time without something that should happen all the time. Times are of whatever clock is handed in. */
export class Gap {
  private longestMs = 0;

  constructor(private lastMs: number) {}

  happened(nowMs: number): void {
    this.longestMs = Math.max(this.longestMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
  }

  sinceMs(nowMs: number): number {
    return nowMs - this.lastMs;
  }

  /** Since it was last taken, that which is under way included. */
  takeLongestMs(nowMs: number): number {
    const longestMs = Math.max(this.longestMs, nowMs - this.lastMs);
    this.longestMs = 0;
    return longestMs;
  }
}
