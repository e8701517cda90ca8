import type { Entry, SnapshotMeta } from '#consensus';

/** A log as the tests see it: what a disk holds, or what a core must think it holds, judged by its effects alone. */
export class LogView {
  constructor(
    public baseIndex = 0,
    public baseTerm = 0,
    private entries: Entry[] = [],
  ) {}

  get last(): number {
    return this.baseIndex + this.entries.length;
  }

  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? this.baseTerm;
  }

  get all(): readonly Entry[] {
    return this.entries;
  }

  at(index: number): Entry | undefined {
    return this.entries[index - this.baseIndex - 1];
  }

  /** Undefined outside the log, and for what the snapshot covers but its last entry. */
  termAt(index: number): number | undefined {
    return index === this.baseIndex ? this.baseTerm : this.at(index)?.term;
  }

  /** Whether the entry is in the log or below it. */
  holds(index: number, term: number): boolean {
    return index < this.baseIndex || this.termAt(index) === term;
  }

  truncateFrom(index: number): Entry[] {
    return this.entries.splice(Math.max(0, index - this.baseIndex - 1));
  }

  /** Puts each entry where its index says, as a map by index does: what was there before is replaced, the rest stays. */
  put(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index <= this.baseIndex || entry.index > this.last + 1)
        throw new Error(`Entry ${entry.index} does not fit a log of ${this.baseIndex + 1} to ${this.last}.`);
      this.entries[entry.index - this.baseIndex - 1] = entry;
    }
  }

  /** A snapshot takes the place of what it covers, and of everything if it belongs to another history. */
  rebase({ index, term }: SnapshotMeta): void {
    this.entries = this.termAt(index) === term ? this.entries.slice(index - this.baseIndex) : [];
    this.baseIndex = index;
    this.baseTerm = term;
  }

  copy(): LogView {
    return new LogView(this.baseIndex, this.baseTerm, [...this.entries]);
  }
}
