import { CODES, type Failure, type Random } from '#model';
import { REFUSED_RETRY_MS, RETRY_AFTER_MAX_MS } from './limits.js';
import { readMs } from './received.js';

/**
 * For how long a server that refuses a hello is to be left alone; undefined where what it says is no refusal of its own
 * but the end of the connection, or a defect.
 */
export function refusedForMs(given: Failure, leastMs: number): number | undefined {
  if (given.code === 'CONNECTION_CLOSED') return undefined;
  if (given.retryAfterMs === undefined && CODES[given.code].retry !== 'elsewhere') return undefined;
  return Math.max(leastMs, readMs(given.retryAfterMs ?? REFUSED_RETRY_MS, RETRY_AFTER_MAX_MS));
}

/** The servers that want to be left alone for a while. */
export class Refusals {
  private readonly untilMs = new Map<string, number>();

  constructor(private readonly random: Random) {}

  /** Never sooner than the server said, and a little later for each client than for another. */
  refused(address: string, nowMs: number, forMs: number): void {
    this.untilMs.set(address, nowMs + forMs * (1 + this.random() / 4));
  }

  isFree(address: string, nowMs: number): boolean {
    const untilMs = this.untilMs.get(address) ?? 0;
    if (untilMs > nowMs) return false;
    this.untilMs.delete(address);
    return true;
  }

  /** When the first of these can be asked. */
  freeAtMs(addresses: Iterable<string>, nowMs: number): number {
    let earliestMs = Infinity;
    for (const address of addresses)
      earliestMs = Math.min(earliestMs, Math.max(nowMs, this.untilMs.get(address) ?? nowMs));
    return earliestMs;
  }

  /** Those that are dialled no more are forgotten. */
  keep(addresses: readonly string[]): void {
    const kept = new Set(addresses);
    for (const address of this.untilMs.keys()) if (!kept.has(address)) this.untilMs.delete(address);
  }
}
