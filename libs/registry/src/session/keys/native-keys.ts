import { type Key, type NativeService, type Span, isWithin, toKey } from '#etcd';
import type { KeyEntry, NativeEntry } from '#model';

/** A key as it is shown before and after a change. */
export interface KeyTurn {
  key: Key;
  before: KeyEntry | undefined;
  after: KeyEntry | undefined;
}

/** What is published natively for one service, as keys of its layout. Of several at one address the lowest registerId counts. */
export class NativeKeys {
  private readonly entries = new Map<string, NativeEntry>();
  private readonly byKey = new Map<Key, Map<string, KeyEntry>>();

  constructor(
    private readonly service: NativeService,
    private readonly span: Span,
    entries: Iterable<NativeEntry>,
  ) {
    for (const entry of entries) this.set(entry.registerId, entry);
  }

  all(): IterableIterator<NativeEntry> {
    return this.entries.values();
  }

  get(key: Key): KeyEntry | undefined {
    const there = this.byKey.get(key);
    if (!there) return undefined;
    let lowest: string | undefined;
    for (const registerId of there.keys()) if (lowest === undefined || registerId < lowest) lowest = registerId;
    return there.get(lowest!);
  }

  /** Beside what was put, which counts where both are there. In no order. */
  besides(entries: readonly KeyEntry[]): KeyEntry[] {
    const put = new Set(entries.map(({ key }) => key));
    return [...entries, ...[...this.byKey.keys()].filter((key) => !put.has(key)).map((key) => this.get(key)!)];
  }

  /** @returns the keys that look otherwise from now on */
  set(registerId: string, entry: NativeEntry | undefined): KeyTurn[] {
    const former = this.keysOf(this.entries.get(registerId));
    const next = this.keysOf(entry);
    if (entry) this.entries.set(registerId, entry);
    else this.entries.delete(registerId);
    const turns: KeyTurn[] = [];
    for (const key of new Set([...former.keys(), ...next.keys()])) {
      const before = this.get(key);
      this.put(key, registerId, next.get(key));
      const after = this.get(key);
      if (!areSame(before, after)) turns.push({ key, before, after });
    }
    return turns;
  }

  private put(key: Key, registerId: string, entry: KeyEntry | undefined): void {
    const there = this.byKey.get(key) ?? new Map<string, KeyEntry>();
    if (entry) this.byKey.set(key, there.set(registerId, entry));
    else if (there.delete(registerId) && there.size === 0) this.byKey.delete(key);
  }

  private keysOf(native: NativeEntry | undefined): Map<Key, KeyEntry> {
    const keys = new Map<Key, KeyEntry>();
    if (!native) return keys;
    const { registerId, body, createRevision, modRevision, version } = native;
    for (const { key: bytes, value } of this.service.keysOf(registerId, body)) {
      const key = toKey(bytes);
      if (!isWithin(key, this.span)) continue;
      keys.set(key, { key, value, createRevision, modRevision, version, lease: '' });
    }
    return keys;
  }
}

function areSame(a: KeyEntry | undefined, b: KeyEntry | undefined): boolean {
  if (!a || !b) return a === b;
  return a.value.length === b.value.length && a.value.every((byte, index) => byte === b.value[index]);
}
