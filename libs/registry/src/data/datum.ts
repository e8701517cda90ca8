import type { ContentHash, DataInfoId, DatumVersion, LinkId, Publication, Removal, Traced } from '#model';
import { type HashSum, addRemoval, formatHash } from '../content-hash.js';
import type { KeptPublication } from './memory/kept-publication.js';

/** What is remembered of a removal for a while, so that whatever is older stays out. */
export interface Tombstone extends Removal {
  datum: Datum;
  untilMs: number;
}

/** What happened to a datum since its subscribers were last told. The last thing that happened to an id stands. */
export interface PendingChange {
  from: DatumVersion;
  times: [acceptedAtMs: number, appliedAtMs: number] | undefined;
  traces: Traced[] | undefined;
  upserts: Map<string, Publication>;
  removals: Map<string, Removal>;
}

/**
 * All that a replica holds under one dataInfoId.
 */
export class Datum {
  readonly publications = new Map<string, KeptPublication>();
  tombstones: Map<string, Tombstone> | undefined;
  /** Links that want every change. */
  interest: Set<LinkId> | undefined;
  pending: PendingChange | undefined;
  /** Of the live publications, with their times of registration. */
  readonly hash: HashSum = { high: 0, low: 0 };

  constructor(
    readonly dataInfoId: DataInfoId,
    /** Slot sequence of the last change. */
    public sequence: number,
  ) {}

  /** True when nothing would be lost by forgetting it, except its version. */
  get isIdle(): boolean {
    return this.isEmpty && !this.interest?.size;
  }

  /** True when nothing is live or remembered. */
  get isEmpty(): boolean {
    return this.publications.size === 0 && !this.tombstones?.size;
  }

  /** Of what is live or remembered. */
  hashWithRemovals(): ContentHash {
    const sum = { ...this.hash };
    for (const { registerId, stamp } of this.tombstones?.values() ?? []) addRemoval(sum, registerId, stamp);
    return formatHash(sum);
  }
}
