import { mayBeKey } from '#etcd';
import type { DataInfoId, NativeChange, NativeEntry, Publication } from '#model';
import type { KeptPublication } from '../memory/kept-publication.js';
import type { SlotReplica } from '../slot-replica.js';
import type { KeyHistory } from './key-history.js';

/** Names of a slot that are followed at once. Beyond, those go that nobody watches, the one asked for longest ago first. */
const NAMES_MAX = 1_000;
/** A name that nobody watches, and nobody has asked for so long, is not followed any more. */
const IDLE_MS = 10 * 60_000;

type Revisions = Pick<NativeEntry, 'createRevision' | 'modRevision' | 'version'>;

/** Of what was there before anybody asked. */
const BEFORE: Revisions = { createRevision: 1, modRevision: 1, version: 1 };

interface Followed {
  /** Every change after this revision is in the history. */
  since: number;
  askedAtMs: number;
  /** Of those that have changed since then. */
  revisions: Map<string, Revisions>;
  /** What was shown before, of those that have changed since that was told. */
  touched: Map<string, Uint8Array | undefined>;
}

/**
 * What is published natively under the names that clients of etcd ask for, with revisions as of keys. A name is followed from
 * the first question on, in the very step that answers it: so whatever is not in the answer has a higher revision than that has,
 * and whoever watches from there on is told it, through any session server.
 */
export class NativeNames {
  private readonly followed = new Map<DataInfoId, Followed>();
  private readonly touched = new Set<DataInfoId>();
  /** The last change of a name that was not followed. */
  private unfollowedAt: number;

  constructor(
    private readonly replica: SlotReplica,
    private readonly history: KeyHistory,
    /** Something has changed that is to be told. */
    private readonly noted: () => void,
  ) {
    this.unfollowedAt = history.revision;
  }

  get isTouched(): boolean {
    return this.touched.size > 0;
  }

  get count(): number {
    return this.followed.size;
  }

  /** Undefined where no more names can be followed. */
  ask(
    dataInfoId: DataInfoId,
    nowMs: number,
    watched: () => Set<DataInfoId>,
  ): { entries: NativeEntry[]; since: number } | undefined {
    const known = this.followed.get(dataInfoId);
    if (!known && this.followed.size >= NAMES_MAX && !this.makeRoom(watched())) return undefined;
    const since = this.unfollowedAt;
    const followed = known ?? { since, askedAtMs: nowMs, revisions: new Map(), touched: new Map() };
    followed.askedAtMs = nowMs;
    // In the order in which they were asked for.
    this.followed.delete(dataInfoId);
    this.followed.set(dataInfoId, followed);
    const shown = this.replica.shown(dataInfoId).filter(({ registerId }) => !mayBeKey(registerId));
    const entries = shown.map(({ registerId, body }) => entryOf(registerId, body, followed.revisions.get(registerId)));
    return { entries, since: followed.since };
  }

  /** Somebody has watched them until now, and may come back through another server. */
  left(names: Iterable<DataInfoId>, nowMs: number): void {
    for (const dataInfoId of names) {
      const followed = this.followed.get(dataInfoId);
      if (followed) followed.askedAtMs = nowMs;
    }
  }

  /** Called before a publication is replaced, or removed. */
  changing(name: Pick<Publication, 'dataInfoId' | 'registerId'>, before: KeptPublication | undefined): void {
    const isShown = before !== undefined && !this.replica.hidden.names.isHidden(before);
    this.touch(name, isShown ? before : undefined);
  }

  /** Called when that has been decided. */
  switched(publication: KeptPublication, isHidden: boolean): void {
    this.touch(publication, isHidden ? publication : undefined);
  }

  /** What has changed since the last call to be seen. Each has a revision of its own. */
  takeChanges(nowMs: number, watched: () => Set<DataInfoId>): NativeChange[] {
    const changes: NativeChange[] = [];
    for (const dataInfoId of this.touched) {
      const followed = this.followed.get(dataInfoId);
      if (!followed) continue;
      if (nowMs - followed.askedAtMs >= IDLE_MS) {
        if (watched().has(dataInfoId)) followed.askedAtMs = nowMs;
        else {
          this.followed.delete(dataInfoId);
          this.unfollowedAt = this.history.next();
          continue;
        }
      }
      for (const [registerId, before] of followed.touched) {
        const change = this.changeOf(dataInfoId, registerId, before, followed.revisions);
        if (change) changes.push(change);
      }
      followed.touched.clear();
    }
    this.touched.clear();
    return changes;
  }

  private touch(
    { dataInfoId, registerId }: Pick<Publication, 'dataInfoId' | 'registerId'>,
    shown?: KeptPublication,
  ): void {
    const followed = this.followed.get(dataInfoId);
    if (!followed) {
      this.unfollowedAt = this.history.next();
      return;
    }
    if (!followed.touched.has(registerId)) followed.touched.set(registerId, shown?.copy().body);
    this.touched.add(dataInfoId);
    this.noted();
  }

  private changeOf(
    dataInfoId: DataInfoId,
    registerId: string,
    before: Uint8Array | undefined,
    revisions: Map<string, Revisions>,
  ): NativeChange | undefined {
    const live = this.replica.live(dataInfoId, registerId);
    const after = live && !this.replica.hidden.names.isHidden(live) ? live.copy().body : undefined;
    // Told again by its owner, as on another connection, it is what it was.
    if (before === after || (before && after && areEqual(before, after))) return undefined;
    const revision = this.history.next();
    const former = before && (revisions.get(registerId) ?? BEFORE);
    const made = { createRevision: former?.createRevision ?? revision, version: (former?.version ?? 0) + 1 };
    if (after) revisions.set(registerId, { ...made, modRevision: revision });
    else revisions.delete(registerId);
    return {
      ...{ slot: this.replica.slot, revision, dataInfoId, registerId },
      ...(after ? { entry: entryOf(registerId, after, revisions.get(registerId)) } : {}),
      ...(before ? { prev: entryOf(registerId, before, former) } : {}),
    };
  }

  private makeRoom(watched: ReadonlySet<DataInfoId>): boolean {
    for (const dataInfoId of this.followed.keys())
      if (!watched.has(dataInfoId)) return this.followed.delete(dataInfoId);
    return false;
  }
}

function entryOf(registerId: string, body: Uint8Array, revisions: Revisions = BEFORE): NativeEntry {
  return { registerId, body, ...revisions };
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
