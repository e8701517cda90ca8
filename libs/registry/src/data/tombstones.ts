import type { Datum, Tombstone } from './datum.js';

/** Taken off the front of the queue in one go once it is worth the copying. */
const COMPACT_AT = 1_000;

/** The removals remembered in a slot, in the order in which they are forgotten, since all live equally long. */
export class Tombstones {
  count = 0;
  private queue: Tombstone[] = [];
  private done = 0;

  add(datum: Datum, tombstone: Tombstone): void {
    datum.tombstones ??= new Map();
    if (!datum.tombstones.has(tombstone.registerId)) this.count++;
    datum.tombstones.set(tombstone.registerId, tombstone);
    this.queue.push(tombstone);
  }

  /** Something newer stands in its place. */
  delete(datum: Datum, registerId: string): void {
    if (datum.tombstones?.delete(registerId)) this.count--;
  }

  /**
   * Forgets at most `limit` of those whose time is over; superseded ones are skipped when theirs comes.
   * @param forgotten told of each datum that lost one
   * @returns how many were looked at
   */
  expire(nowMs: number, limit: number, forgotten: (datum: Datum) => void): number {
    let looked = 0;
    for (; looked < limit; looked++) {
      const tombstone = this.queue[this.done];
      if (!tombstone || tombstone.untilMs > nowMs) break;
      this.done++;
      const { datum, registerId } = tombstone;
      if (datum.tombstones?.get(registerId) !== tombstone) continue;
      this.delete(datum, registerId);
      forgotten(datum);
    }
    if (this.done > COMPACT_AT && this.done * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.done);
      this.done = 0;
    }
    return looked;
  }
}
