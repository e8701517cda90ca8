import type { DataInfoId, Publication } from '#model';
import type { SlotReplica } from '../slot-replica.js';

/** One publication as it is to be on disk; without it, there is to be nothing. */
export interface KeepWrite {
  slot: number;
  dataInfoId: DataInfoId;
  registerId: string;
  publication?: Publication;
}

/**
 * Has the host write this in the background, unsynced: first what is erased, then the writes. Answered by `kept` or
 * `keepFailed`; one is under way at a time. The publications are lent: the host encodes them before it does anything else.
 */
export interface KeepBatch {
  type: 'keep';
  token: number;
  erase: 'all' | number[];
  writes: KeepWrite[];
}

/** Where slots are held now. */
export interface HeldSlots {
  replicaOf(slot: number): SlotReplica | undefined;
  slots(): number[];
}

/** A change waits this long for others; what comes again and again is written once. */
const KEEP_AFTER_MS = 200;
const BATCH_WRITES = 256;
const BATCH_BYTES = 256 * 1024;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 600_000;

type Key = Omit<KeepWrite, 'publication'>;

/**
 * Keeps a copy of the slots held here on disk, behind everything that serves. What waits to be written is which
 * publications have changed, and what is written is what they are by then. When a write fails, or too much waits, the copy
 * is void: it is erased before anything else is kept, and begun anew, for one that goes on with gaps would only grow.
 */
export class WarmKeeper {
  /** How often the copy was given up. */
  failures = 0;
  private readonly dirty = new Map<string, Key>();
  private readonly erasable = new Set<number>();
  /** Slots of which there may be something on disk. */
  private readonly known: Set<number>;
  /** Slots of which all is still to be written. */
  private unwalked: number[] = [];
  /** As many publications as the largest slot has that was walked since nothing waited. */
  private walking = 0;
  /** Without the publications, which are nobody's once they are encoded. */
  private underWay: { token: number; erase: KeepBatch['erase']; writes: number } | undefined;
  private lastToken = 0;
  private dirtySinceMs: number | undefined;
  private retryAtMs = 0;
  private wasVoid: boolean;
  private retryMs = RETRY_MIN_MS;

  constructor(
    private readonly held: HeldSlots,
    private isVoid: boolean,
    slotsOnDisk: Iterable<number>,
    /** More changes than these are not remembered: the copy is begun anew. */
    private readonly pendingMax: number,
  ) {
    this.known = new Set(slotsOnDisk);
    this.wasVoid = isVoid;
  }

  /** True while the disk still has what it had at the start, but for what has changed since. */
  get isUntouched(): boolean {
    return !this.wasVoid;
  }

  /** What is not written yet. */
  get pending(): number {
    return this.dirty.size + (this.underWay?.writes ?? 0);
  }

  /** The publication is there, or was until now. */
  touch(slot: number, { dataInfoId, registerId, owner }: Publication): void {
    // A void copy is written from what is held by then.
    if (this.isVoid || owner.kind === 'persistent') return;
    this.known.add(slot);
    this.dirty.set(`${slot} ${registerId}\n${dataInfoId}`, { slot, dataInfoId, registerId });
    if (this.dirty.size > this.pendingMax + this.walking) this.giveUp();
  }

  /** What is not held here leaves the disk, too. */
  eraseUnheld(isHeld: (slot: number) => boolean): void {
    for (const slot of this.known) {
      if (isHeld(slot)) continue;
      this.known.delete(slot);
      this.erasable.add(slot);
    }
  }

  /** What is to be written now, if anything is, and nothing under way. */
  takeBatch(nowMs: number): KeepBatch | undefined {
    if (this.underWay || nowMs < this.retryAtMs) return undefined;
    if (this.isVoid) return this.begin('all', []);
    if (this.dirty.size === 0) this.walking = 0;
    this.walk();
    if (this.dirty.size === 0 && this.erasable.size === 0) return undefined;
    this.dirtySinceMs ??= nowMs;
    if (this.dirty.size < BATCH_WRITES && nowMs - this.dirtySinceMs < KEEP_AFTER_MS) return undefined;
    this.dirtySinceMs = undefined;
    const erase = [...this.erasable];
    this.erasable.clear();
    return this.begin(erase, this.takeWrites());
  }

  kept(token: number): void {
    if (this.underWay?.token !== token) return;
    const { erase } = this.underWay;
    this.underWay = undefined;
    if (erase === 'all') {
      this.isVoid = false;
      this.unwalked = this.held.slots();
    } else if (this.dirty.size === 0 && this.unwalked.length === 0) this.retryMs = RETRY_MIN_MS;
  }

  failed(nowMs: number, token: number): void {
    if (this.underWay?.token !== token) return;
    this.underWay = undefined;
    this.giveUp();
    this.retryAtMs = nowMs + this.retryMs;
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  private giveUp(): void {
    this.failures++;
    this.isVoid = this.wasVoid = true;
    this.dirty.clear();
    this.erasable.clear();
    this.known.clear();
    this.unwalked = [];
    this.dirtySinceMs = undefined;
  }

  private begin(erase: KeepBatch['erase'], writes: KeepWrite[]): KeepBatch {
    const token = ++this.lastToken;
    this.underWay = { token, erase, writes: writes.length };
    return { type: 'keep', token, erase, writes };
  }

  private walk(): void {
    while (this.dirty.size < BATCH_WRITES && this.unwalked.length > 0) {
      const slot = this.unwalked.pop()!;
      const replica = this.held.replicaOf(slot);
      if (!replica) continue;
      this.walking = Math.max(this.walking, replica.publicationCount);
      for (const [dataInfoId] of replica.hashes())
        for (const publication of replica.publications(dataInfoId)) this.touch(slot, publication);
    }
  }

  private takeWrites(): KeepWrite[] {
    const writes: KeepWrite[] = [];
    let bytes = 0;
    for (const [name, key] of this.dirty) {
      if (writes.length >= BATCH_WRITES || bytes >= BATCH_BYTES) break;
      this.dirty.delete(name);
      const kept = this.held.replicaOf(key.slot)?.live(key.dataInfoId, key.registerId);
      writes.push(kept ? { ...key, publication: kept.lend() } : key);
      bytes += kept?.bodyBytes ?? 0;
    }
    return writes;
  }
}
