import { MAX_SLOT_SIZES, type SlotSize } from '#model';
import type { SlotLeader } from './slot-leader.js';

/** How often some slots are told of. Nothing is decided by it; operators see what a move would cost. */
const EVERY_MS = 5_000;

/** Tells how much there is in the slots that are led here: a bounded number at a time, all of them in turn. */
export class SizeReports {
  private dueAtMs = 0;
  private next = 0;

  take(nowMs: number, count: number, leaders: Iterable<SlotLeader>): SlotSize[] {
    if (count === 0 || nowMs < this.dueAtMs) return [];
    this.dueAtMs = nowMs + EVERY_MS;
    const first = this.next < count ? this.next : 0;
    this.next = first + MAX_SLOT_SIZES;
    const sizes: SlotSize[] = [];
    let at = 0;
    for (const { replica } of leaders) {
      if (at++ < first) continue;
      if (sizes.length === MAX_SLOT_SIZES) break;
      const { slot, leaderEpoch, publicationCount: publications, bytes, interest } = replica;
      sizes.push({ slot, leaderEpoch, publications, bytes, wanted: interest.size });
    }
    return sizes;
  }
}
