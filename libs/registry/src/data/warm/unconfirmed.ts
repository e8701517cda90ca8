import { type DigestEntry, type Publication, compareStamps } from '#model';
import type { SlotReplica } from '../slot-replica.js';

/** What becomes of what this server has and that does not count, for whoever counts. */
export interface UnconfirmedCounters {
  confirmed: number;
  dropped: number;
}

/**
 * What this server has of a slot that it leads, and that does not count: read from disk, or held by a replica that has
 * missed a leadership (invariant 9). Nobody is shown it. A digest that names a publication by the stamp it has here speaks
 * for its owner, who sent that stamp once (invariant 1): then the content is taken from here, and need not be asked for.
 *
 * A renewal of a lease confirms nothing. It names no stamp, and what is here may be older than what its client was told is
 * stored; who is answered NOT_REGISTERED registers anew, and who is answered well would never know.
 */
export class Unconfirmed {
  private confirmed = 0;

  constructor(
    private readonly offered: SlotReplica,
    /** Everything of it is on disk as it is here. */
    private readonly isOnDisk: () => boolean,
    private readonly counters: UnconfirmedCounters,
    /** Told of what is to go from the disk. */
    private readonly forgotten: (publication: Publication) => void,
  ) {}

  /** Applies what the session incarnation claims, if it is here. False when it has to be asked for. */
  confirm(nowMs: number, replica: SlotReplica, entry: DigestEntry, incarnation: string): boolean {
    const { registerId, dataInfoId, stamp } = entry;
    const kept = this.offered.live(dataInfoId, registerId);
    if (!kept || compareStamps(kept.stamp, stamp) !== 0) return false;
    if (kept.leaseMs === undefined ? kept.session !== incarnation : !entry.leased) return false;
    const { changed } = replica;
    // Unless something has taken its place meanwhile, it need not be written again.
    if (this.isOnDisk() && replica.held(dataInfoId, registerId) === undefined) replica.changed = undefined;
    replica.apply(nowMs, { op: 'publish', publication: kept.lend() }, incarnation);
    replica.changed = changed;
    this.confirmed++;
    this.counters.confirmed++;
    return true;
  }

  /** Nobody will confirm the rest. It was never seen, so nothing is removed and nothing recorded (invariant 3). */
  forget(replica: SlotReplica): void {
    this.counters.dropped += Math.max(0, this.offered.publicationCount - this.confirmed);
    for (const [dataInfoId] of this.offered.hashes())
      for (const publication of this.offered.publications(dataInfoId))
        if (!replica.live(dataInfoId, publication.registerId)) this.forgotten(publication);
  }
}
