import { type ContentHash, type DataInfoId, type DurableEntry, compareStamps } from '#model';
import { type HashSum, addPublication, addRemoval, formatHash } from '../../content-hash.js';

/** One entry as it is to be on disk; without `entry`, there is to be nothing. */
export interface DiskWrite {
  slot: number;
  dataInfoId: DataInfoId;
  registerId: string;
  entry?: DurableEntry;
}

/** Has the host write this, synced, after all that it was given before; answered by `persisted` or `persistFailed`. */
export type PersistBatch = { type: 'persist'; token: number; writes: DiskWrite[] };

/** Removals remembered; beyond that the oldest go. Every complete replica has had them by then. */
const REMOVALS_MAX = 1_000;

/**
 * The persistent publications of a slot as this server's disk has them, or soon will. It is kept through every change of
 * who leads the slot. Each change has a number; `onDisk` is the highest such that it and all before it are on disk. What
 * is here may be more than what is shown: a write is shown only once every complete replica has it.
 */
export class DurableReplica {
  /** The number of the latest change. */
  changes = 0;
  private readonly datums = new Map<DataInfoId, Map<string, DurableEntry>>();
  private readonly removed = new Set<DurableEntry>();
  /** What is not being written yet, with the number of the earliest change that it stands for, in order of those. */
  private dirty = new Map<string, Dirty>();
  private readonly writing = new Map<number, Dirty[]>();

  constructor(readonly slot: number) {}

  get isEmpty(): boolean {
    return this.datums.size === 0;
  }

  get onDisk(): number {
    let first = this.changes + 1;
    for (const dirties of this.writing.values()) first = Math.min(first, dirties[0]!.change);
    for (const { change } of this.dirty.values()) {
      first = Math.min(first, change);
      break;
    }
    return first - 1;
  }

  find(dataInfoId: DataInfoId, registerId: string): DurableEntry | undefined {
    return this.datums.get(dataInfoId)?.get(registerId);
  }

  *entries(): Generator<DurableEntry> {
    for (const datum of this.datums.values()) yield* datum.values();
  }

  /** All that is held of a datum. */
  of(dataInfoId: DataInfoId): DurableEntry[] {
    return [...(this.datums.get(dataInfoId)?.values() ?? [])];
  }

  *hashes(): Generator<[DataInfoId, ContentHash]> {
    for (const [dataInfoId, datum] of this.datums) {
      const sum: HashSum = { high: 0, low: 0 };
      for (const { registerId, stamp, publication } of datum.values())
        if (publication) addPublication(publication, 1, sum);
        else addRemoval(sum, registerId, stamp);
      yield [dataInfoId, formatHash(sum)];
    }
  }

  /** What was read from disk. */
  load(entry: DurableEntry): void {
    this.hold(entry);
  }

  /** @returns false for what is older than what is held */
  put(entry: DurableEntry): boolean {
    const held = this.find(entry.dataInfoId, entry.registerId);
    if (held && compareStamps(entry.stamp, held.stamp) <= 0) return false;
    this.hold(entry);
    this.change(entry.dataInfoId, entry.registerId);
    return true;
  }

  /** As a follower: makes a datum what the leader has, whatever was held. */
  replace(dataInfoId: DataInfoId, entries: DurableEntry[]): void {
    const kept = new Set(entries.map(({ registerId }) => registerId));
    for (const entry of this.of(dataInfoId)) {
      if (kept.has(entry.registerId)) continue;
      this.drop(entry);
      this.change(dataInfoId, entry.registerId);
    }
    for (const entry of entries) {
      this.hold(entry);
      this.change(dataInfoId, entry.registerId);
    }
  }

  /** Nothing of it counts any more. */
  clear(): void {
    for (const dataInfoId of [...this.datums.keys()]) this.replace(dataInfoId, []);
  }

  /** What is to be written and is not being written; undefined when there is nothing. */
  takeBatch(token: number): PersistBatch | undefined {
    if (this.dirty.size === 0) return undefined;
    const dirties = [...this.dirty.values()];
    this.dirty.clear();
    this.writing.set(token, dirties);
    const writes = dirties.map(({ dataInfoId, registerId }) => {
      const entry = this.find(dataInfoId, registerId);
      return { slot: this.slot, dataInfoId, registerId, ...(entry ? { entry } : {}) };
    });
    return { type: 'persist', token, writes };
  }

  persisted(token: number): void {
    this.writing.delete(token);
  }

  /** It is to be written again, and until then nothing after it counts as written either. */
  failed(token: number): void {
    const dirties = [...(this.writing.get(token) ?? []), ...this.dirty.values()];
    this.writing.delete(token);
    this.dirty = new Map();
    for (const dirty of dirties.toSorted((a, b) => a.change - b.change)) this.note(dirty);
  }

  private hold(entry: DurableEntry): void {
    const { dataInfoId, registerId } = entry;
    let datum = this.datums.get(dataInfoId);
    if (!datum) this.datums.set(dataInfoId, (datum = new Map()));
    const before = datum.get(registerId);
    if (before) this.removed.delete(before);
    datum.set(registerId, entry);
    if (entry.publication) return;
    this.removed.add(entry);
    if (this.removed.size <= REMOVALS_MAX) return;
    const oldest = this.removed.values().next().value!;
    this.drop(oldest);
    this.change(oldest.dataInfoId, oldest.registerId);
  }

  private drop(entry: DurableEntry): void {
    this.removed.delete(entry);
    const datum = this.datums.get(entry.dataInfoId);
    datum?.delete(entry.registerId);
    if (datum?.size === 0) this.datums.delete(entry.dataInfoId);
  }

  private change(dataInfoId: DataInfoId, registerId: string): void {
    this.note({ dataInfoId, registerId, change: ++this.changes });
  }

  /** An earlier change of the same entry keeps its place: it counts as written only once the later one is. */
  private note(dirty: Dirty): void {
    const key = `${dirty.registerId}\n${dirty.dataInfoId}`;
    if (!this.dirty.has(key)) this.dirty.set(key, dirty);
  }
}

interface Dirty {
  dataInfoId: DataInfoId;
  registerId: string;
  change: number;
}
