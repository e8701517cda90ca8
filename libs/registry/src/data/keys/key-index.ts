import { type Key, type KeyRecord, type Span, decodeKey, isLeasedKey, isWithin, mayBeKey } from '#etcd';
import type { KeyChange, KeyEntry, LeaseName, Publication } from '#model';
import type { KeptPublication } from '../memory/kept-publication.js';
import type { SlotReplica } from '../slot-replica.js';
import type { KeyHistory } from './key-history.js';
import { NativeNames } from './native-names.js';

/** A publication that is a key. */
export interface HeldKey {
  registerId: string;
  dataInfoId: string;
  record: KeyRecord;
}

/** Of one key: with a lease, and without one. Of both, the one of the higher revision counts. */
interface Held {
  leased?: HeldKey | undefined;
  persistent?: HeldKey | undefined;
}

/**
 * The keys of a slot that is led here. It is made when the slot is begun, and reads what is held only when somebody asks for
 * keys, so that slots without any cost nothing.
 */
export class KeyIndex {
  /** Every change after this revision is in the history. */
  since: number;
  readonly natives: NativeNames;
  private held: Map<Key, Held> | undefined;
  /** What was there before, of the keys that have changed since that was told. */
  private readonly touched = new Map<Key, KeyRecord | undefined>();

  /** @param toTell where it stands from a change on until that is told */
  constructor(
    readonly replica: SlotReplica,
    private readonly history: KeyHistory,
    private readonly toTell: Set<KeyIndex>,
  ) {
    this.since = history.revision;
    this.natives = new NativeNames(replica, history, () => toTell.add(this));
  }

  /** Called before a publication is replaced, or removed. */
  changing(before: KeptPublication | undefined, after: Publication | undefined): void {
    const registerId = after?.registerId ?? before!.registerId;
    if (!mayBeKey(registerId)) return this.natives.changing(after ?? before!, before);
    if (!this.held) {
      // What nobody has asked for yet is in no history.
      this.since = this.history.next();
      return;
    }
    const gone = before && decodeKey(before.lend().body);
    const come = after && decodeKey(after.body);
    if (gone && gone.key !== come?.key) this.put(this.held, gone.key, registerId, undefined);
    if (!come) return;
    this.history.raise(come.modRevision);
    this.put(this.held, come.key, registerId, { registerId, dataInfoId: after.dataInfoId, record: come });
  }

  /** Called where operators have switched a publication off or on by its name. */
  switched(publication: KeptPublication, isHidden: boolean): void {
    if (!mayBeKey(publication.registerId)) this.natives.switched(publication, isHidden);
  }

  current(key: Key): HeldKey | undefined {
    return current(this.all.get(key));
  }

  /** What is to go where another kind takes its place. */
  of(key: Key, isLeased: boolean): HeldKey | undefined {
    const held = this.all.get(key);
    return isLeased ? held?.leased : held?.persistent;
  }

  /** In order of the keys. */
  within(span: Span): KeyRecord[] {
    if (span.end === '') {
      const one = this.current(span.key);
      return one ? [one.record] : [];
    }
    const keys = [...this.all.keys()].filter((key) => isWithin(key, span));
    return keys.toSorted().map((key) => this.current(key)!.record);
  }

  withLease({ id, grant }: LeaseName): HeldKey[] {
    return Array.from(this.all.values(), (held) => current(held)!).filter(
      ({ record }) => record.lease === id && record.grant === grant,
    );
  }

  get isTouched(): boolean {
    return this.touched.size > 0;
  }

  /** What has changed since the last call, as one change. */
  takeChanges(revision: () => number): KeyChange[] {
    const changes: KeyChange[] = [];
    for (const [key, before] of this.touched) {
      const after = this.current(key)?.record;
      if (after === before || after?.modRevision === before?.modRevision) continue;
      changes.push({
        ...{ slot: this.replica.slot, revision: 0, key },
        ...(after ? { entry: toEntry(after) } : {}),
        ...(before ? { prev: toEntry(before) } : {}),
      });
    }
    this.touched.clear();
    if (changes.length === 0) return changes;
    const at = revision();
    for (const change of changes) change.revision = at;
    return changes;
  }

  private get all(): Map<Key, Held> {
    return (this.held ??= this.read());
  }

  private read(): Map<Key, Held> {
    const found = new Map<Key, Held>();
    for (const { publications } of this.replica.all()) {
      for (const publication of publications.values()) {
        const { registerId, dataInfoId } = publication;
        if (!mayBeKey(registerId)) continue;
        const record = decodeKey(publication.lend().body);
        if (!record) continue;
        this.history.raise(record.modRevision);
        const held = found.get(record.key) ?? {};
        held[isLeasedKey(registerId) ? 'leased' : 'persistent'] = { registerId, dataInfoId, record };
        found.set(record.key, held);
      }
    }
    return found;
  }

  private put(all: Map<Key, Held>, key: Key, registerId: string, value: HeldKey | undefined): void {
    const held = all.get(key) ?? {};
    if (!this.touched.has(key)) this.touched.set(key, current(held)?.record);
    this.toTell.add(this);
    held[isLeasedKey(registerId) ? 'leased' : 'persistent'] = value;
    if (held.leased || held.persistent) all.set(key, held);
    else all.delete(key);
  }
}

function current(held: Held | undefined): HeldKey | undefined {
  const { leased, persistent } = held ?? {};
  if (!leased || !persistent) return leased ?? persistent;
  return leased.record.modRevision > persistent.record.modRevision ? leased : persistent;
}

export function toEntry({ key, value, createRevision, modRevision, version, lease }: KeyRecord): KeyEntry {
  return { key, value, createRevision, modRevision, version, lease };
}
