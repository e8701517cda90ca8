import { setTimeout } from 'node:timers/promises';
import { CliFailure, Refused, Unreachable } from './failures.js';
import { duration } from './output/duration.js';
import type { Run } from './run.js';

export interface WaitOptions {
  /** What is waited for, to be said when it takes too long. */
  what: string;
  limitMs: number;
  everyMs?: number;
}

const EVERY_MS = 500;
/** Servers may be away for so long while something is waited for, such as a leader that is replaced. */
const AWAY_MS = 30_000;

/**
 * Asks again and again until there is an answer, and tells of it meanwhile.
 * @param look answers undefined where it is not so yet
 */
export async function waitFor<T>(
  run: Run,
  { what, limitMs, everyMs = EVERY_MS }: WaitOptions,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const startMs = performance.now();
  let answeredMs = startMs;
  for (;;) {
    try {
      const answer = await look();
      if (answer !== undefined) return answer;
      answeredMs = performance.now();
    } catch (error) {
      if (!isAway(error) || performance.now() - answeredMs > AWAY_MS) throw error;
      run.progress.tell(`${(error as Error).message} Trying again ...`);
    }
    if (performance.now() - startMs > limitMs)
      throw new CliFailure(`After ${duration(limitMs)} ${what}. It goes on by itself; --wait allows for more time.`);
    await setTimeout(everyMs, undefined, { signal: run.signal });
  }
}

function isAway(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Refused && error.status === 503);
}
