import type { DataInfoId, Owner, Removal } from '#model';

/** One disappearance from a view, for people (invariant 3). */
export interface RecordedRemoval extends Removal {
  dataInfoId: DataInfoId;
  /** What had kept the publication, and what it told of itself. */
  owner: Owner;
  appName: string;
  zone: string;
  /** Monotonic time of this process. */
  atMs: number;
  /** The session incarnation that asked for it, or `leader` where the leader found it out itself. */
  by: string;
}

/** With its number in the slot: it has come after all of lower ones. */
export interface NumberedRemoval extends RecordedRemoval {
  number: number;
}

/** The latest disappearances of a slot, a bounded number of them. */
export class RemovalLog {
  private readonly records: NumberedRemoval[] = [];
  private count = 0;

  constructor(private readonly capacity = 128) {}

  add(record: RecordedRemoval): void {
    const number = ++this.count;
    this.records[(number - 1) % this.capacity] = { ...record, number };
  }

  /** Oldest first. */
  list(): NumberedRemoval[] {
    const next = this.count % this.capacity;
    return [...this.records.slice(next), ...this.records.slice(0, next)];
  }
}
