import { CODES } from '#model';
import { DurationTally } from '../metrics/duration-tally.js';

const BOUNDS_MS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/** Of messages that cost less than to look at the clock twice is felt, one in so many is timed, for all of them. */
const SAMPLED_IN = 16;

/** What has been asked by one pattern: how often, by what was answered first (OK, or the code of a failure), and for how long. */
export class RequestTally {
  readonly counts = new Map<string, number>();
  /** Until the answer begins. */
  readonly durations = new DurationTally(BOUNDS_MS);
  /** Those that have not ended; streams among them. */
  open = 0;
  private passed = 0;

  /** What is no code of ours, such as what a filter of a stranger makes, is counted as one. */
  count(code: string | undefined): void {
    const known = code !== undefined && (code === 'OK' || code in CODES) ? code : 'OTHER';
    this.counts.set(known, (this.counts.get(known) ?? 0) + 1);
  }

  /** When a message that is taken at once came, if this is one that is timed. */
  sampledAtMs(): number | undefined {
    return ++this.passed % SAMPLED_IN === 0 ? performance.now() : undefined;
  }

  /** @param startedAtMs of one that was sampled */
  sampled(startedAtMs: number): void {
    this.durations.observe(performance.now() - startedAtMs, SAMPLED_IN);
  }
}

/** The tallies of all patterns that have a handler, and one for all others: what strangers ask for costs no memory. */
export class RequestTallies {
  private readonly byPattern = new Map<string, RequestTally>();

  /** @param pattern undefined where nobody handles it */
  of(pattern = 'unknown'): RequestTally {
    let tally = this.byPattern.get(pattern);
    if (!tally) this.byPattern.set(pattern, (tally = new RequestTally()));
    return tally;
  }

  /** By pattern. */
  all(): Iterable<[string, RequestTally]> {
    return this.byPattern;
  }
}
