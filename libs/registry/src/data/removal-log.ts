import type { DataInfoId, Removal } from '#model';

/** One disappearance from a view, for people (invariant 3). */
export interface RecordedRemoval extends Removal {
  dataInfoId: DataInfoId;
  /** Monotonic time of this process. */
  atMs: number;
  /** The session incarnation that asked for it, or `leader` where the leader found it out itself. */
  by: string;
}

/** The latest disappearances of a slot, a bounded number of them. */
export class RemovalLog {
  private readonly records: RecordedRemoval[] = [];
  private next = 0;

  constructor(private readonly capacity = 128) {}

  add(record: RecordedRemoval): void {
    this.records[this.next] = record;
    this.next = (this.next + 1) % this.capacity;
  }

  /** Oldest first. */
  list(): RecordedRemoval[] {
    return [...this.records.slice(this.next), ...this.records.slice(0, this.next)];
  }
}
