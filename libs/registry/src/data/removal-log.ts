import type { DataInfoId, Owner, Removal, RemovalCause } from '#model';

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

export type RemovalCounts = Record<RemovalCause, number>;

export function noRemovals(): RemovalCounts {
  return { unpublish: 0, goodbye: 0, 'grace-expired': 0, unclaimed: 0, 'lease-ended': 0, operator: 0 };
}

/** The latest disappearances of a slot, a bounded number of them. */
export class RemovalLog {
  /** Counts them by their causes, for as long as the slot is led here. */
  counts: RemovalCounts | undefined;
  private readonly records: NumberedRemoval[] = [];
  private count = 0;

  constructor(private readonly capacity = 128) {}

  add(record: RecordedRemoval): void {
    if (this.counts) this.counts[record.cause]++;
    const number = ++this.count;
    this.records[(number - 1) % this.capacity] = { ...record, number };
  }

  /** Oldest first. */
  list(): NumberedRemoval[] {
    const next = this.count % this.capacity;
    return [...this.records.slice(next), ...this.records.slice(0, next)];
  }
}
