import { CODES } from '#model';

/** How often something was asked, by what was answered first: OK, or the code of a failure. */
export class RequestTally {
  readonly counts = new Map<string, number>();

  /** What is no code of ours, such as what a filter of a stranger makes, is counted as one. */
  count(code: string | undefined): void {
    const known = code !== undefined && (code === 'OK' || code in CODES) ? code : 'OTHER';
    this.counts.set(known, (this.counts.get(known) ?? 0) + 1);
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

  *all(): Iterable<{ pattern: string; code: string; count: number }> {
    for (const [pattern, { counts }] of this.byPattern)
      for (const [code, count] of counts) yield { pattern, code, count };
  }
}
