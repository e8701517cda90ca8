import { isWithin } from '#etcd';
import { type DataInfoId, type KeySpan, type KeysFromData, type LinkId, type SlotChange, isNativeChange } from '#model';

interface Watch {
  link: LinkId;
  watchId: number;
  span: KeySpan;
  slots: Set<number>;
  /** What is published natively under this name is told, too. */
  native: DataInfoId | undefined;
}

/** Session servers that want the changes of a range. */
export class KeyWatches {
  private readonly byLink = new Map<LinkId, Map<number, Watch>>();

  add(link: LinkId, watchId: number, span: KeySpan, slots: Iterable<number>, native?: DataInfoId): void {
    let watches = this.byLink.get(link);
    if (!watches) this.byLink.set(link, (watches = new Map()));
    let watch = watches.get(watchId);
    if (!watch) watches.set(watchId, (watch = { link, watchId, span, slots: new Set(), native }));
    for (const slot of slots) watch.slots.add(slot);
    watch.native ??= native;
  }

  /** @returns the name whose native publications it was told of */
  drop(link: LinkId, watchId: number): DataInfoId[] {
    const watches = this.byLink.get(link);
    const native = watches?.get(watchId)?.native;
    watches?.delete(watchId);
    if (watches?.size === 0) this.byLink.delete(link);
    return native === undefined ? [] : [native];
  }

  dropLink(link: LinkId): DataInfoId[] {
    const watches = [...(this.byLink.get(link)?.values() ?? [])];
    this.byLink.delete(link);
    return watches.flatMap(({ native }) => (native === undefined ? [] : [native]));
  }

  /** The names whose native publications somebody wants to be told of. */
  natives(): Set<DataInfoId> {
    const names = new Set<DataInfoId>();
    for (const watches of this.byLink.values())
      for (const { native } of watches.values()) if (native !== undefined) names.add(native);
    return names;
  }

  /** @param settled everything up to here has been told with this */
  tell(changes: SlotChange[], settled: number, send: (link: LinkId, message: KeysFromData) => void): void {
    for (const watches of this.byLink.values()) {
      for (const { link, watchId, span, slots, native } of watches.values()) {
        const told = changes.filter((change) => {
          if (!slots.has(change.slot)) return false;
          return isNativeChange(change) ? change.dataInfoId === native : isWithin(change.key, span);
        });
        if (told.length > 0) send(link, { kind: 'keysChanged', watchId, revision: settled, changes: told });
      }
    }
  }
}
