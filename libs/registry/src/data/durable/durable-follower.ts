import type { ContentHash, DataInfoId, LeaderToReplica } from '#model';
import type { DurableDisk } from './durable-disk.js';
import type { DurableReplica } from './durable-replica.js';

/** A follower's disk: what the leader gives is written, and what has been written is acknowledged, in order. */
export class DurableFollower {
  private readonly durable: DurableReplica;
  private pending: { position: number; change: number }[] = [];

  constructor(
    slot: number,
    private readonly disk: DurableDisk,
  ) {
    this.durable = disk.at(slot);
  }

  /** Begins anew. Without a disk nothing is said of one. */
  follow(): { durable?: [DataInfoId, ContentHash][] } {
    this.pending = [];
    return this.disk.diskId === undefined ? {} : { durable: [...this.durable.hashes()] };
  }

  take({ whole, entries, position }: Extract<LeaderToReplica, { kind: 'write' }>): void {
    for (const { dataInfoId, entries: all } of whole) this.durable.replace(dataInfoId, all);
    for (const entry of entries) this.durable.put(entry);
    if (position !== undefined) this.pending.push({ position, change: this.durable.changes });
    this.disk.touch(this.durable.slot);
  }

  /** The position to acknowledge; undefined when it is the same as before. */
  takeWritten(): number | undefined {
    const { onDisk } = this.durable;
    let written: number | undefined;
    while (this.pending.length > 0 && this.pending[0]!.change <= onDisk) written = this.pending.shift()!.position;
    return written;
  }
}
