import type { Key, NativeService, Span } from '#etcd';
import {
  type KeyChange,
  type KeyEntry,
  type NativeChange,
  type NativeEntry,
  type SlotChange,
  isNativeChange,
} from '#model';
import { type KeyTurn, NativeKeys } from './native-keys.js';

/** What is put under keys counts before what is published natively at the same. */
type IsPut = (key: Key) => boolean;

/**
 * The native publications of a service, for a feed of its keys: what its leader tells of them becomes changes of keys. What it has
 * told in answer to a question holds everything up to the revision of the answer.
 */
export class NativeFeed {
  private keys: NativeKeys | undefined;
  private upTo = 0;

  constructor(
    readonly slot: number,
    private readonly service: NativeService,
    private readonly span: Span,
  ) {}

  get name(): { slot: number; dataInfoId: string } {
    return { slot: this.slot, dataInfoId: this.service.dataInfoId };
  }

  get isKnown(): boolean {
    return this.keys !== undefined;
  }

  /** The first answer, and what led to it: it begins with what was there before. */
  begin(natives: readonly NativeEntry[], changes: readonly SlotChange[]): void {
    const before = new Map(natives.map((entry) => [entry.registerId, entry]));
    for (const change of changes.toReversed()) {
      if (!isNativeChange(change)) continue;
      if (change.prev) before.set(change.registerId, change.prev);
      else before.delete(change.registerId);
    }
    this.keys = new NativeKeys(this.service, this.span, before.values());
  }

  /** Everything up to here is held, and not taken once more. */
  knows(revision: number): void {
    this.upTo = revision;
  }

  changed({ revision, registerId, entry }: NativeChange, isPut: IsPut): KeyChange[] {
    if (!this.keys || revision <= this.upTo) return [];
    return this.told(this.keys.set(registerId, entry), revision, isPut);
  }

  /**
   * Another leader tells what there is. When it came to be so nobody knows; it is told at the revision of the answer, which is
   * above all that was asked for without it.
   */
  compared(natives: readonly NativeEntry[], revision: number, isPut: IsPut): KeyChange[] {
    const { keys } = this;
    if (!keys) return [];
    const now = new Map(natives.map((entry) => [entry.registerId, entry]));
    const ids = new Set([...Array.from(keys.all(), ({ registerId }) => registerId), ...now.keys()]);
    this.upTo = revision;
    return [...ids].flatMap((registerId) => this.told(keys.set(registerId, now.get(registerId)), revision, isPut));
  }

  /** What was put under a key hides what is published natively there, and shows it again where it goes. */
  over(change: KeyChange): KeyChange {
    const native = change.slot === this.slot ? this.keys?.get(change.key) : undefined;
    if (!native) return change;
    const { revision: modRevision, entry, prev } = change;
    return { ...change, entry: entry ?? { ...native, modRevision }, prev: prev ?? native };
  }

  private told(turns: readonly KeyTurn[], revision: number, isPut: IsPut): KeyChange[] {
    return turns
      .filter(({ key }) => !isPut(key))
      .map(({ key, before, after }) => ({
        ...{ slot: this.slot, revision, key },
        ...(after ? { entry: madeAt(revision, before, after) } : {}),
        ...(before ? { prev: before } : {}),
      }));
  }
}

function madeAt(revision: number, before: KeyEntry | undefined, after: KeyEntry): KeyEntry {
  const createRevision = before?.createRevision ?? revision;
  return { ...after, createRevision, modRevision: revision, version: (before?.version ?? 0) + 1 };
}
