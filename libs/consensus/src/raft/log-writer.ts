import type { LogSnapshot, LogStore, LogWrite } from '../contract.js';
import type { Entry, RaftEffect } from './contract.js';
import { toLogEntries } from './formats.js';

/**
 * What the writer writes to: a log store, as told by callbacks instead of promises, so that a simulation in virtual time
 * needs none. `done` is called once, later, with the error if there is one.
 */
export interface LogDevice {
  write(change: LogWrite, done: (error?: unknown) => void): void;
  saveSnapshot(snapshot: LogSnapshot, done: (error?: unknown) => void): void;
  /** Runs something when the present turn is over, before time goes on. */
  soon(run: () => void): void;
}

export function deviceOf(store: LogStore): LogDevice {
  return {
    write: (change, done) => void store.write(change).then(() => done(), done),
    saveSnapshot: (snapshot, done) => void store.saveSnapshot(snapshot).then(() => done(), done),
    soon: (run) => void Promise.resolve().then(run),
  };
}

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
  private writing = false;
  private stopped = false;
  private idle: (() => void)[] = [];

  constructor(
    private readonly device: LogDevice,
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

  /** What is in flight is finished, what waits behind it is dropped, and nothing is told any more but that it is over. */
  stop(over?: () => void): void {
    this.stopped = true;
    this.waiting = [];
    if (!this.writing) over?.();
    else if (over) this.idle.push(over);
  }

  private add(job: Persist | Save): void {
    if (this.stopped) return;
    this.waiting.push(job);
    if (this.writing) return;
    this.writing = true;
    // What is asked for in the same turn shares the first write.
    this.device.soon(() => this.next());
  }

  private next(): void {
    const [job] = this.waiting;
    if (!job) {
      this.writing = false;
      for (const over of this.idle.splice(0)) over();
    } else if ('snapshot' in job) {
      this.waiting.shift();
      this.device.saveSnapshot(job.snapshot, (error) => this.wrote(error, job.saved));
    } else {
      const { token, hardState, truncateFrom, entries } = join(this.takePersists());
      const change = { hardState, truncateFrom, entries: entries && toLogEntries(entries) };
      this.device.write(change, (error) => this.wrote(error, () => this.synced(token)));
    }
  }

  /** Whoever is told and fails, as at installing a snapshot, is a failure of the write. */
  private wrote(error: unknown, told: () => void): void {
    try {
      if (error !== undefined) throw error;
      if (!this.stopped) told();
    } catch (cause) {
      const isFirst = !this.stopped;
      this.stop();
      if (isFirst) this.failed(cause);
    }
    this.next();
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
