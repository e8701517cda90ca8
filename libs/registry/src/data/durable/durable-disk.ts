import type { StoredEntry } from '../contract.js';
import { DurableReplica, type PersistBatch } from './durable-replica.js';

/** After a write has failed, the next is tried this much later. */
const RETRY_MS = 1_000;
/** Slots whose writes are under way at a time; the others wait, each in one piece, for one of these to end. */
const WRITING_MAX = 64;

/** What of this server's disk is kept for slots, and the writes to it: one batch of each slot at a time. */
export class DurableDisk {
  private readonly replicas = new Map<number, DurableReplica>();
  private readonly touched = new Set<DurableReplica>();
  private readonly writing = new Map<number, DurableReplica>();
  private lastToken = 0;
  private retryAtMs = 0;
  /** Why the last write failed; undefined since one has succeeded. */
  failure: string | undefined;

  constructor(
    /** Undefined where there is no disk to keep anything on. */
    readonly diskId: string | undefined,
    stored: Iterable<StoredEntry> = [],
    isStored = true,
  ) {
    for (const { slot, entry } of stored) {
      if (isStored) this.at(slot).load(entry);
      else if (this.at(slot).put(entry)) this.touch(slot);
    }
  }

  /** Slots of which something is being written, or waits to be. */
  get writingCount(): number {
    return this.writing.size + this.touched.size;
  }

  at(slot: number): DurableReplica {
    let replica = this.replicas.get(slot);
    if (!replica) this.replicas.set(slot, (replica = new DurableReplica(slot)));
    return replica;
  }

  /** Something of the slot is to be written. */
  touch(slot: number): void {
    this.touched.add(this.at(slot));
  }

  /** What is to be written now. A slot whose write is under way waits for the end of it, and then goes in one piece. */
  takeBatches(nowMs: number): PersistBatch[] {
    if (this.touched.size === 0 || nowMs < this.retryAtMs) return [];
    const busy = new Set(this.writing.values());
    const batches: PersistBatch[] = [];
    for (const replica of this.touched) {
      if (this.writing.size >= WRITING_MAX) break;
      if (busy.has(replica)) continue;
      this.touched.delete(replica);
      const batch = replica.takeBatch(++this.lastToken);
      if (!batch) continue;
      this.writing.set(batch.token, replica);
      batches.push(batch);
    }
    return batches;
  }

  /** @returns the slot of which more is on disk now */
  persisted(token: number): number | undefined {
    const replica = this.writing.get(token);
    if (!replica) return undefined;
    this.writing.delete(token);
    replica.persisted(token);
    this.failure = undefined;
    return replica.slot;
  }

  /** @returns the slot whose write has failed, to be tried again */
  persistFailed(nowMs: number, token: number, message: string): number | undefined {
    const replica = this.writing.get(token);
    if (!replica) return undefined;
    this.writing.delete(token);
    replica.failed(token);
    this.touched.add(replica);
    this.retryAtMs = nowMs + RETRY_MS;
    this.failure = message;
    return replica.slot;
  }
}
