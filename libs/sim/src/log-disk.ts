import type { FoundLog, LogEntry, LogSnapshot, LogWrite } from '#consensus';
import { type Random, RegistryError } from '#model';
import type { VirtualClock } from './clock.js';

type Done = (error?: unknown) => void;

/**
 * The disk on which a meta server keeps its log; it outlives the process. It keeps the contract of a `LogStore` as
 * the log writer uses it, one write at a time: each is atomic, and there once its callback is called, a sync later. A
 * crash, of the process or of the machine, leaves the one that was under way done or not done, and nothing in between:
 * that is what a real disk may lose.
 */
export class SimLogDisk {
  private hardState: { term: number; vote: string | null } = { term: 0, vote: null };
  private snapshot: LogSnapshot | null = null;
  private entries: LogEntry[] = [];
  private underWay: { apply: () => void; cancel: () => void } | undefined;
  private failing = false;
  private onWrite: (() => void) | undefined;
  /** Snapshots that have become durable. */
  snapshots = 0;
  /** How many writes under way were lost in crashes, and how many were there all the same. */
  readonly crashed = { lost: 0, survived: 0 };

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
  ) {}

  /** What a process that starts finds. */
  open(): FoundLog {
    const { hardState, snapshot, entries } = this;
    return { ...hardState, snapshot, entries: [...entries] };
  }

  write(change: LogWrite, done: Done): void {
    const { truncateFrom, entries = [] } = change;
    const keep = truncateFrom === undefined ? this.lastIndex : truncateFrom - 1;
    if (keep < this.firstIndex - 1 || keep > this.lastIndex) throw misused(`cannot truncate from ${truncateFrom}`);
    for (const [i, { index }] of entries.entries())
      if (index !== keep + 1 + i) throw misused(`entry ${index} does not follow entry ${keep + i}`);
    this.sync(done, () => {
      if (change.hardState) this.hardState = { ...change.hardState };
      this.entries.length = keep - this.firstIndex + 1;
      this.entries.push(...entries);
    });
  }

  saveSnapshot(snapshot: LogSnapshot, done: Done): void {
    const { index, term } = snapshot;
    if (index < this.firstIndex) throw misused(`the snapshot at ${index} is not newer than ${this.firstIndex - 1}`);
    this.sync(done, () => {
      const isSameHistory = this.entries[index - this.firstIndex]?.term === term;
      this.entries = isSameHistory ? this.entries.slice(index - this.firstIndex + 1) : [];
      this.snapshot = snapshot;
      this.snapshots++;
    });
  }

  /** From now on writes fail, and leave nothing behind, until the process has crashed of it. */
  fail(): void {
    this.failing = true;
  }

  mend(): void {
    this.failing = false;
    this.onWrite = undefined;
  }

  /** Runs once, as soon as the next write is under way. */
  whenWriting(run: () => void): void {
    this.onWrite = run;
  }

  get isFailing(): boolean {
    return this.failing;
  }

  crash(): void {
    this.failing = false;
    if (!this.underWay) return;
    this.underWay.cancel();
    const survives = this.random() < 0.5;
    if (survives) this.underWay.apply();
    this.crashed[survives ? 'survived' : 'lost']++;
    this.underWay = undefined;
  }

  private get firstIndex(): number {
    return (this.snapshot?.index ?? 0) + 1;
  }

  private get lastIndex(): number {
    return this.firstIndex - 1 + this.entries.length;
  }

  private sync(done: Done, apply: () => void): void {
    if (this.underWay) throw misused('one write at a time is in flight');
    const isSlow = this.random() < 0.02;
    const syncMs = isSlow ? 5 + this.random() * 100 : 0.3 + this.random() * 3;
    const cancel = this.clock.at(this.clock.nowMs() + syncMs, () => {
      this.underWay = undefined;
      if (this.failing) return done(new RegistryError('STORE_FAILED', 'The simulated disk failed to write.'));
      apply();
      done();
    });
    this.underWay = { apply, cancel };
    const { onWrite } = this;
    this.onWrite = undefined;
    if (onWrite) this.clock.at(this.clock.nowMs(), onWrite);
  }
}

function misused(what: string): Error {
  return new Error(`The log disk was used wrongly: ${what}.`);
}
