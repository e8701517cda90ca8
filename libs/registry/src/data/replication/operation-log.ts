import type { ReplicatedOperation } from '#model';

/** What is kept of a slot's operations for followers that are behind; beyond either, the oldest go. */
export interface RetentionLimits {
  retainedOperations: number;
  retainedBytes: number;
}

/** The latest operations of a slot by position. Positions count from 1 per leaderEpoch and have no gaps. */
export class OperationLog {
  /** The position of the last operation. */
  last = 0;
  private first = 1;
  private operations: ReplicatedOperation[] = [];
  private atMs: number[] = [];
  /** Entries at the front that are dropped already, until it is worth copying the rest. */
  private dropped = 0;
  private bytes = 0;

  constructor(private readonly limits: RetentionLimits) {}

  append(nowMs: number, operation: ReplicatedOperation): void {
    this.last++;
    this.operations.push(operation);
    this.atMs.push(nowMs);
    this.bytes += bytesOf(operation);
    const { retainedOperations, retainedBytes } = this.limits;
    while (this.size > 1 && (this.size > retainedOperations || this.bytes > retainedBytes)) this.dropFirst();
  }

  /** Nobody needs what is at this position or before it any more. */
  dropTo(position: number): void {
    while (this.first <= position && this.size > 0) this.dropFirst();
  }

  /** The operations from `position` on, at most `limit`; undefined when they are not all kept. */
  from(position: number, limit: number): ReplicatedOperation[] | undefined {
    if (position < this.first || position > this.last + 1) return undefined;
    const index = this.dropped + position - this.first;
    return this.operations.slice(index, index + limit);
  }

  /** For how long what is at `position` has been there; 0 beyond the last. */
  ageMs(nowMs: number, position: number): number {
    const atMs = this.atMs[this.dropped + Math.max(position, this.first) - this.first];
    return atMs === undefined ? 0 : nowMs - atMs;
  }

  private get size(): number {
    return this.operations.length - this.dropped;
  }

  private dropFirst(): void {
    this.bytes -= bytesOf(this.operations[this.dropped]!);
    this.dropped++;
    this.first++;
    if (this.dropped < 1_000 || this.dropped * 2 < this.operations.length) return;
    this.operations = this.operations.slice(this.dropped);
    this.atMs = this.atMs.slice(this.dropped);
    this.dropped = 0;
  }
}

/** Bodies are what makes operations large; the rest is about the same for all. */
export function bytesOf(operation: ReplicatedOperation): number {
  return 200 + (operation.op === 'publish' ? operation.publication.body.byteLength : 0);
}
