import type { DataInfoId, DatumVersion, LinkId, Publication, Removal } from '#model';
import type { HashSum } from '../content-hash.js';

/** What is remembered of a removal for a while, so that whatever is older stays out. */
export interface Tombstone extends Removal {
  datum: Datum;
  untilMs: number;
}

/** What happened to a datum since its subscribers were last told. The last thing that happened to an id stands. */
export interface PendingChange {
  from: DatumVersion;
  upserts: Map<string, Publication>;
  removals: Map<string, Removal>;
}

/**
 * All that a replica holds under one dataInfoId. Publications are immutable and stand in the map as they are, with no
 * wrapper: there may be a million of them. Being the same object means being the same stamp and owner.
 */
export class Datum {
  readonly publications = new Map<string, Publication>();
  tombstones: Map<string, Tombstone> | undefined;
  /** Links that want every change. */
  interest: Set<LinkId> | undefined;
  pending: PendingChange | undefined;
  /** Of the live publications. */
  readonly hash: HashSum = { high: 0, low: 0 };

  constructor(
    readonly dataInfoId: DataInfoId,
    /** Slot sequence of the last change. */
    public sequence: number,
  ) {}

  /** True when nothing would be lost by forgetting it, except its version. */
  get isIdle(): boolean {
    return this.publications.size === 0 && !this.tombstones?.size && !this.interest?.size;
  }
}

/** True when no subscriber, under any filter, could tell the two apart. */
export function looksTheSame(a: Publication, b: Publication): boolean {
  return a.zone === b.zone && a.appName === b.appName && equalBytes(a.body, b.body);
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
