import { EMPTY } from './configuration.js';
import type { Configuration, Entry, Restored, SnapshotMeta } from './contract.js';

/** What one step has to write: entries removed and added. */
export interface LogWrite {
  truncateFrom?: number;
  entries?: Entry[];
}

/**
 * The log as this node holds it in memory. Always
 *
 *     base <= commit <= last,   base <= handedOut <= commit,   applied <= handedOut,
 *
 * and what lies to `commit` never changes. `durable` says to where the disk holds this very log; entries are handed to
 * the state machine only to there, so that no snapshot is ever ahead of the log.
 */
export class RaftLog {
  /** The newest durable snapshot. */
  snapshot: SnapshotMeta | null;
  /** What comes right before the first entry held. */
  base: { index: number; term: number };
  commit: number;
  durable: number;
  /** Given to the state machine. */
  handedOut: number;
  /** Applied by it. */
  applied: number;
  /** A snapshot from the leader is being installed. */
  installing: SnapshotMeta | undefined;
  private entries: Entry[];
  /** Ascending by index; the first holds at `base`, the last is in force. */
  private configurations: { index: number; configuration: Configuration }[];
  /** To where the log is durable once the write with this token is. */
  private unsynced: { token: number; last: number }[] = [];
  private truncateFrom: number | undefined;
  private unwritten = Infinity;

  constructor(restored: Restored, bootstrap: Configuration | undefined) {
    const { snapshot, entries } = restored;
    this.snapshot = snapshot;
    this.base = { index: snapshot?.index ?? 0, term: snapshot?.term ?? 0 };
    this.commit = this.handedOut = this.applied = this.base.index;
    this.configurations = [{ index: this.base.index, configuration: snapshot?.configuration ?? bootstrap ?? EMPTY }];
    this.entries = [...entries];
    for (const entry of entries) this.noteConfiguration(entry);
    this.durable = this.last;
  }

  get first(): number {
    return this.base.index + 1;
  }

  get last(): number {
    return this.base.index + this.entries.length;
  }

  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? this.base.term;
  }

  /** In force from the moment it is in the log, committed or not. */
  get configuration(): Configuration {
    return this.configurations.at(-1)!.configuration;
  }

  /** 0: the group has just been made and its configuration is in no log yet. */
  get configurationIndex(): number {
    return this.configurations.at(-1)!.index;
  }

  entryAt(index: number): Entry | undefined {
    return this.entries[index - this.first];
  }

  /** Undefined before `base` and after `last`. */
  termAt(index: number): number | undefined {
    return index === this.base.index ? this.base.term : this.entryAt(index)?.term;
  }

  /** From `from` on, at least one if there is one, otherwise within `maxBytes`. */
  slice(from: number, maxBytes: number): Entry[] {
    const taken: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= this.last; index++) {
      const entry = this.entryAt(index)!;
      bytes += sizeOf(entry);
      if (taken.length > 0 && bytes > maxBytes) break;
      taken.push(entry);
    }
    return taken;
  }

  /** Whether a log that ends so may lead this one (Raft, 5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.last);
  }

  /**
   * The last index to `index` whose term is at most `term`: the logs cannot match between it and `index`. In front of
   * `base` if even that is of a later term.
   */
  lastWithTermAtMost(index: number, term: number): number {
    let at = Math.min(index, this.last);
    while (at >= this.base.index && this.termAt(at)! > term) at--;
    return at;
  }

  append(entries: Entry[]): void {
    for (const entry of entries) {
      this.entries.push(entry);
      this.unwritten = Math.min(this.unwritten, entry.index);
      this.noteConfiguration(entry);
    }
  }

  /** Never at or before `commit`. */
  truncate(from: number): void {
    this.entries.length = from - this.first;
    while (this.configurations.at(-1)!.index >= from) this.configurations.pop();
    this.truncateFrom = from;
    this.forgetDurable(from - 1);
  }

  commitTo(index: number): boolean {
    if (index <= this.commit) return false;
    this.commit = Math.min(index, this.last);
    return true;
  }

  /** Committed entries for the state machine, each once. */
  takeCommitted(): Entry[] {
    const end = Math.min(this.commit, this.durable);
    if (this.installing || end <= this.handedOut) return [];
    const entries = this.entries.slice(this.handedOut - this.base.index, end - this.base.index);
    this.handedOut = end;
    return entries;
  }

  takeWrite(): LogWrite {
    const write: LogWrite = {};
    if (this.truncateFrom !== undefined) write.truncateFrom = this.truncateFrom;
    if (this.unwritten <= this.last) write.entries = this.entries.slice(this.unwritten - this.first);
    this.truncateFrom = undefined;
    this.unwritten = Infinity;
    return write;
  }

  writing(token: number): void {
    this.unsynced.push({ token, last: this.last });
  }

  synced(token: number): void {
    while (this.unsynced.length > 0 && this.unsynced[0]!.token <= token) {
      this.durable = Math.max(this.durable, this.unsynced.shift()!.last);
    }
    if (this.installing && this.durable >= this.installing.index) {
      this.snapshot = this.installing;
      this.applied = Math.max(this.applied, this.installing.index);
      this.installing = undefined;
    }
  }

  /** Another history, of which this log holds nothing, takes its place. */
  install(meta: SnapshotMeta): void {
    this.forgetDurable(this.commit);
    this.entries = [];
    this.base = { index: meta.index, term: meta.term };
    this.configurations = [{ index: meta.index, configuration: meta.configuration }];
    this.commit = this.handedOut = meta.index;
    this.installing = meta;
  }

  /**
   * The state at `meta` is durable. Some entries before it are kept for peers that lack only these.
   */
  compact(meta: SnapshotMeta, retainedEntries: number): void {
    this.snapshot = meta;
    const index = meta.index - retainedEntries;
    const term = this.termAt(index);
    if (index <= this.base.index || term === undefined) return;
    this.entries.splice(0, index - this.base.index);
    this.base = { index, term };
    while ((this.configurations[1]?.index ?? Infinity) <= index) this.configurations.shift();
  }

  private forgetDurable(after: number): void {
    this.durable = Math.min(this.durable, after);
    for (const write of this.unsynced) write.last = Math.min(write.last, after);
  }

  private noteConfiguration(entry: Entry): void {
    if (entry.kind !== 'configuration') return;
    this.configurations.push({ index: entry.index, configuration: entry.configuration });
  }
}

const ENTRY_OVERHEAD_BYTES = 16;

export function sizeOf(entry: Entry): number {
  return ENTRY_OVERHEAD_BYTES + (entry.kind === 'command' ? entry.payload.length : 0);
}
