import type { LogSnapshot, LogStore } from '../contract.js';
import type { Entry, RaftEffect } from './contract.js';
import { toLogEntry } from './formats.js';

export type Persist = Omit<Extract<RaftEffect, { type: 'persist' }>, 'type'>;

interface Save {
  snapshot: LogSnapshot;
  /** Runs once the snapshot is durable, before anything asked for later is written. */
  saved(): void;
}

/**
 * The only place that writes the log. One write is in flight; what is asked for meanwhile is joined and goes into the
 * next one, so that many proposals share a sync. Everything becomes durable in the order in which it was asked for,
 * snapshots included. The first failure is the last thing that happens here.
 */
export class LogWriter {
  private waiting: (Persist | Save)[] = [];
  private writing: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly store: LogStore,
    private readonly maxBytes: number,
    /** Everything to this token is durable. */
    private readonly synced: (token: number) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  persist(what: Persist): void {
    this.add(what);
  }

  save(snapshot: LogSnapshot, saved: () => void): void {
    this.add({ snapshot, saved });
  }

  /** What is in flight is finished, what waits behind it is dropped, and nothing is told any more. */
  stop(): Promise<void> {
    this.stopped = true;
    this.waiting = [];
    return this.writing ?? Promise.resolve();
  }

  private add(job: Persist | Save): void {
    if (this.stopped) return;
    this.waiting.push(job);
    this.writing ??= this.write();
  }

  private async write(): Promise<void> {
    // What is asked for in the same turn of the event loop shares the first write.
    await null;
    try {
      for (let job = this.waiting[0]; job && !this.stopped; job = this.waiting[0]) {
        if ('snapshot' in job) {
          this.waiting.shift();
          await this.store.saveSnapshot(job.snapshot);
          if (!this.stopped) job.saved();
        } else {
          const { token, hardState, truncateFrom, entries } = join(this.takePersists());
          await this.store.write({ hardState, truncateFrom, entries: entries?.map(toLogEntry) });
          if (!this.stopped) this.synced(token);
        }
      }
    } catch (error) {
      if (!this.stopped) this.failed(error);
      this.stopped = true;
      this.waiting = [];
    } finally {
      this.writing = undefined;
    }
  }

  /** At least one, to the next snapshot or the bound in bytes. */
  private takePersists(): Persist[] {
    let bytes = 0;
    let count = 0;
    for (const job of this.waiting) {
      if ('snapshot' in job || bytes > this.maxBytes) break;
      for (const entry of job.entries ?? []) bytes += entry.kind === 'command' ? entry.payload.length : 0;
      count++;
    }
    return this.waiting.splice(0, count) as Persist[];
  }
}

/** One write that leaves the log as these would, one after the other. */
export function join(persists: Persist[]): Persist {
  const joined: Persist = { token: persists.at(-1)!.token };
  let entries: Entry[] = [];
  for (const { hardState, truncateFrom, entries: added = [] } of persists) {
    if (hardState) joined.hardState = hardState;
    if (truncateFrom !== undefined) {
      const first = entries[0]?.index ?? Infinity;
      entries = truncateFrom > first ? entries.slice(0, truncateFrom - first) : [];
      // What was only to be added and goes again never reaches the disk; what is on disk goes from the lowest index.
      if (truncateFrom <= first) joined.truncateFrom = Math.min(joined.truncateFrom ?? Infinity, truncateFrom);
    }
    for (const entry of added) entries.push(entry);
  }
  if (entries.length > 0) joined.entries = entries;
  return joined;
}
