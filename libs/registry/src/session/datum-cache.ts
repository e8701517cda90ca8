import {
  type ContentHash,
  type DataInfoId,
  type DatumVersion,
  type Publication,
  type Removal,
  type RemovalCause,
  type Stamp,
  ZERO_VERSION,
  compareVersions,
} from '#model';
import { addExactly, formatHash } from '../content-hash.js';
import { merge } from '../merge.js';
import { hashSeen } from '../view-hash.js';
import { BOUNDS } from './limits.js';

const EXPLICIT: ReadonlySet<RemovalCause> = new Set<RemovalCause>(['unpublish', 'goodbye', 'operator']);

/** A publication with the hash of what is seen of it. */
export interface Entry {
  readonly publication: Publication;
  readonly high: number;
  readonly low: number;
}

/** What one publication was and is now, as far as subscribers see it. */
export interface Change {
  readonly registerId: string;
  readonly old: Entry | undefined;
  readonly now: Entry | undefined;
}

/** What a message changed for those who look at the datum. */
export interface Difference {
  readonly changes: readonly Change[];
  readonly becameComplete: boolean;
}

/** `gap`: what came does not fit what is held, so a fresh datum is needed. `ignored`: older than what is held. */
export type Outcome = Difference | 'gap' | 'ignored';

/**
 * What this session server knows of one datum. It is never emptied because a server died: what a partial answer does
 * not name stays, entry by entry, until a complete one comes (section 7 of the design).
 */
export class CachedDatum {
  /** `partial`: absence proves nothing. */
  state: 'unknown' | 'partial' | 'complete' = 'unknown';
  version: DatumVersion = ZERO_VERSION;
  entries = new Map<string, Entry>();
  /**
   * Removals, and whether they took something away that had been shown while the datum was partial. The others are
   * remembered so that a new leader, promoted with a replica that lags, brings nothing back before it is complete.
   */
  readonly removals = new Map<string, { stamp: Stamp; tookAway: boolean }>();
  /** Publications that were seen in another zone since the datum was last complete. */
  readonly rezoned = new Set<string>();

  constructor(readonly dataInfoId: DataInfoId) {}

  /** Of all that is held, with stamps, owners and times of registration; undefined while nothing is known. */
  get hash(): ContentHash | undefined {
    if (this.state === 'unknown') return undefined;
    const sum = { high: 0, low: 0 };
    for (const { publication } of this.entries.values()) addExactly(publication, 1, sum);
    return formatHash(sum);
  }

  *publications(): Generator<Publication> {
    for (const { publication } of this.entries.values()) yield publication;
  }

  takeDatum(version: DatumVersion, complete: boolean, publications: Publication[]): Outcome {
    if (this.state !== 'unknown' && compareVersions(version, this.version) < 0) return 'ignored';
    this.version = version;
    if (complete) return this.replace(publications);
    this.state = 'partial';
    const difference = new Diff();
    for (const publication of publications) this.mergeUpsert(publication, difference);
    return difference;
  }

  /**
   * What {@link takeDatum} does where the datum has just the publications that are held: nothing comes or goes.
   * @param hash of those
   */
  takeSame(version: DatumVersion, complete: boolean, hash: ContentHash): Outcome {
    if (this.state === 'unknown') return 'gap';
    if (compareVersions(version, this.version) < 0) return 'ignored';
    if (hash !== this.hash) return 'gap';
    this.version = version;
    const difference = new Diff();
    difference.becameComplete = complete && this.state !== 'complete';
    this.state = complete ? 'complete' : 'partial';
    if (complete) this.forgetPartial();
    return difference;
  }

  takeChange(
    from: DatumVersion,
    to: DatumVersion,
    complete: boolean,
    upserts: Publication[],
    removals: Removal[],
  ): Outcome {
    if (this.state === 'unknown') return 'gap';
    if (compareVersions(from, this.version) !== 0) return compareVersions(to, this.version) <= 0 ? 'ignored' : 'gap';
    // A change says nothing of what the leader never had, so it alone cannot make a merged datum complete.
    if (complete && this.state !== 'complete') return 'gap';
    this.version = to;
    const difference = new Diff();
    if (!complete) {
      this.state = 'partial';
      for (const publication of upserts) this.mergeUpsert(publication, difference);
      for (const removal of removals) this.mergeRemoval(removal, difference);
      return difference;
    }
    for (const publication of upserts) {
      this.removals.delete(publication.registerId);
      this.put(publication, difference);
    }
    for (const { registerId, stamp } of removals) {
      this.remember(registerId, stamp, false);
      this.delete(registerId, difference);
    }
    return difference;
  }

  /** A complete datum is the truth: what it lacks is gone, each with a cause recorded at the leader. */
  private replace(publications: Publication[]): Difference {
    const difference = new Diff();
    difference.becameComplete = this.state !== 'complete';
    const old = this.entries;
    this.entries = new Map();
    this.forgetPartial();
    for (const publication of publications) {
      const { registerId } = publication;
      this.entries.set(registerId, difference.enter(registerId, old.get(registerId), publication));
    }
    for (const [registerId, entry] of old) {
      if (this.entries.has(registerId)) continue;
      this.remember(registerId, entry.publication.stamp, false);
      difference.leave(registerId, entry);
    }
    this.state = 'complete';
    return difference;
  }

  /** Once complete, absence proves all. */
  private forgetPartial(): void {
    this.removals.clear();
    this.rezoned.clear();
  }

  private mergeUpsert(publication: Publication, difference: Diff): void {
    const { registerId, stamp } = publication;
    if (merge(this.heldFor(registerId), { stamp, live: true }) !== 'take') return;
    this.removals.delete(registerId);
    this.put(publication, difference);
  }

  /**
   * While partial, only a client's own word removes. That a connection, session server or lease has ended says nothing
   * of what its client has meanwhile published through a session server that the leader has not heard yet.
   */
  private mergeRemoval({ registerId, stamp, cause }: Removal, difference: Diff): void {
    if (!EXPLICIT.has(cause)) return;
    if (merge(this.heldFor(registerId), { stamp, live: false }) !== 'take') return;
    const tookAway = this.entries.has(registerId) || (this.removals.get(registerId)?.tookAway ?? false);
    this.remember(registerId, stamp, tookAway);
    this.delete(registerId, difference);
  }

  /** The latest, a bounded number of them. */
  private remember(registerId: string, stamp: Stamp, tookAway: boolean): void {
    this.removals.delete(registerId);
    this.removals.set(registerId, { stamp, tookAway });
    const most = this.state === 'complete' ? BOUNDS.removalsRemembered : BOUNDS.removalsPerDatum;
    if (this.removals.size > most) this.removals.delete(this.removals.keys().next().value!);
  }

  private heldFor(registerId: string): { stamp: Stamp; live: boolean } | undefined {
    const entry = this.entries.get(registerId);
    if (entry) return { stamp: entry.publication.stamp, live: true };
    const removal = this.removals.get(registerId);
    return removal && { stamp: removal.stamp, live: false };
  }

  private put(publication: Publication, difference: Diff): void {
    const { registerId, zone } = publication;
    const old = this.entries.get(registerId);
    if (old && old.publication.zone !== zone) this.rezoned.add(registerId);
    this.entries.set(registerId, difference.enter(registerId, old, publication));
  }

  private delete(registerId: string, difference: Diff): void {
    const old = this.entries.get(registerId);
    if (!old) return;
    this.entries.delete(registerId);
    difference.leave(registerId, old);
  }
}

class Diff implements Difference {
  readonly changes: Change[] = [];
  becameComplete = false;

  /** The entry that takes the place of the old one. Where that looks the same, its hash holds. */
  enter(registerId: string, old: Entry | undefined, publication: Publication): Entry {
    if (old && looksSame(old.publication, publication)) return { publication, high: old.high, low: old.low };
    const { high, low } = hashSeen(publication);
    const now = { publication, high, low };
    this.changes.push({ registerId, old, now });
    return now;
  }

  leave(registerId: string, old: Entry): void {
    this.changes.push({ registerId, old, now: undefined });
  }
}

/** Equal in every field that subscribers see or filter by. Stamps and owners are the servers' own affair. */
export function looksSame(a: Publication, b: Publication): boolean {
  return (
    a.zone === b.zone &&
    a.appName === b.appName &&
    a.registerTimestamp === b.registerTimestamp &&
    (a.body === b.body || haveSameBytes(a.body, b.body))
  );
}

function haveSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
