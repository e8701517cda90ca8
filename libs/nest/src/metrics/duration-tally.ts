import type { Observed } from './read-histogram.js';

/** Durations, counted by the bounds between which they fall. To observe one costs some additions. */
export class DurationTally implements Observed {
  readonly counts: number[];
  sumMs = 0;

  constructor(readonly boundsMs: readonly number[]) {
    this.counts = boundsMs.map(() => 0).concat(0);
  }

  /** @param times how many are taken to have been like this one */
  observe(ms: number, times = 1): void {
    const { boundsMs, counts } = this;
    let at = 0;
    // Most are short.
    while (at < boundsMs.length && ms > boundsMs[at]!) at++;
    counts[at]! += times;
    this.sumMs += ms * times;
  }
}
