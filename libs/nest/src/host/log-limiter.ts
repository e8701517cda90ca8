export interface LogLimits {
  /** Lines of one event that may follow each other at once. */
  burst: number;
  /** After these, one more line each. */
  everyMs: number;
}

export const LOG_LIMITS: LogLimits = { burst: 50, everyMs: 1_000 };

/** Events are names in the code; should somebody make them up as they go, those beyond share one allowance. */
const EVENTS_MOST = 1_000;
const OTHERS = '';

interface Allowance {
  lines: number;
  atMs: number;
  suppressed: number;
}

/** Decides which lines are written, so that no event, however often it happens, fills a disk or hides another. */
export class LogLimiter {
  private readonly events = new Map<string, Allowance>();
  private readonly limits: LogLimits;

  constructor(limits: Partial<LogLimits> = {}) {
    this.limits = { ...LOG_LIMITS, ...limits };
  }

  /**
   * @param nowMs monotonic
   * @returns how many lines of the event were suppressed since the last that was written; undefined where this is one of them
   */
  take(nowMs: number, event: string): number | undefined {
    const allowance = this.allowanceOf(nowMs, event);
    const { burst, everyMs } = this.limits;
    allowance.lines = Math.min(burst, allowance.lines + Math.max(0, nowMs - allowance.atMs) / everyMs);
    allowance.atMs = nowMs;
    if (allowance.lines < 1) {
      allowance.suppressed++;
      return undefined;
    }
    allowance.lines--;
    const { suppressed } = allowance;
    allowance.suppressed = 0;
    return suppressed;
  }

  /**
   * Of which events the last lines were left out, so that no line has said so, and none will: for as long as one more line
   * would take to be allowed, there was nothing to be said.
   * @param nowMs monotonic; Infinity for what ends now, whatever it is
   */
  *ended(nowMs: number): Iterable<{ event: string; suppressed: number }> {
    for (const [event, allowance] of this.events) {
      const { suppressed } = allowance;
      if (suppressed === 0 || nowMs - allowance.atMs < 2 * this.limits.everyMs) continue;
      allowance.suppressed = 0;
      yield { event, suppressed };
    }
  }

  /** Whether there is something that is to be told. */
  get isHolding(): boolean {
    for (const { suppressed } of this.events.values()) if (suppressed > 0) return true;
    return false;
  }

  private allowanceOf(nowMs: number, event: string): Allowance {
    const key = this.events.has(event) || this.events.size < EVENTS_MOST ? event : OTHERS;
    let allowance = this.events.get(key);
    if (!allowance) this.events.set(key, (allowance = { lines: this.limits.burst, atMs: nowMs, suppressed: 0 }));
    return allowance;
  }
}
