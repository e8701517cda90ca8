/** Upper bounds of what takes a moment when all is calm, and seconds when it is not. */
export const PROPAGATION_BOUNDS_MS: readonly number[] = [
  ...[0.5, 1, 2, 5, 10, 20, 50],
  ...[100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000],
];

/** How often something took how long, in memory that does not grow. */
export class Histogram {
  /** Of each bound how many are no longer than it, and longer than the one before; at the end those beyond all. */
  readonly counts: number[];
  sumMs = 0;

  constructor(readonly boundsMs: readonly number[] = PROPAGATION_BOUNDS_MS) {
    this.counts = new Array<number>(boundsMs.length + 1).fill(0);
  }

  /** What seems to have ended before it began, since it was read from two clocks, took no time. */
  observe(ms: number, times = 1): void {
    const { boundsMs, counts } = this;
    let i = 0;
    while (i < boundsMs.length && ms > boundsMs[i]!) i++;
    counts[i]! += times;
    this.sumMs += Math.max(ms, 0) * times;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}
