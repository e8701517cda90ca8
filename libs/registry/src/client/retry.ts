import type { Random } from '#model';

/**
 * Jittered exponential backoff: uniform between `minMs` and `minMs * 2^attempt`, never above `maxMs`.
 * @param attempt 1 for the first retry
 */
export function backoffMs(attempt: number, minMs: number, maxMs: number, random: Random): number {
  const ceilingMs = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return minMs + random() * Math.max(0, ceilingMs - minMs);
}

/**
 * Things to be tried again, each at its time. `nextMs` is a lower bound kept without sorting: removing an entry leaves
 * it, which costs at most one look that finds nothing due.
 */
export class RetrySchedule<Key> {
  private readonly atMs = new Map<Key, number>();
  private boundMs = Infinity;

  get nextMs(): number {
    return this.boundMs;
  }

  add(key: Key, atMs: number): void {
    this.atMs.set(key, atMs);
    this.boundMs = Math.min(this.boundMs, atMs);
  }

  delete(key: Key): void {
    this.atMs.delete(key);
    if (this.atMs.size === 0) this.boundMs = Infinity;
  }

  clear(): void {
    this.atMs.clear();
    this.boundMs = Infinity;
  }

  /** Takes out what is due. */
  due(nowMs: number): Key[] {
    if (nowMs < this.boundMs) return [];
    const due: Key[] = [];
    this.boundMs = Infinity;
    for (const [key, atMs] of this.atMs) {
      if (atMs <= nowMs) {
        due.push(key);
        this.atMs.delete(key);
      } else this.boundMs = Math.min(this.boundMs, atMs);
    }
    return due;
  }
}
