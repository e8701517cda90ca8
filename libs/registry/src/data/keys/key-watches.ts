import { isWithin } from '#etcd';
import type { KeyChange, KeySpan, KeysFromData, LinkId } from '#model';

interface Watch {
  link: LinkId;
  watchId: number;
  span: KeySpan;
  slots: Set<number>;
}

/** Session servers that want the changes of a range. */
export class KeyWatches {
  private readonly byLink = new Map<LinkId, Map<number, Watch>>();

  add(link: LinkId, watchId: number, span: KeySpan, slots: Iterable<number>): void {
    let watches = this.byLink.get(link);
    if (!watches) this.byLink.set(link, (watches = new Map()));
    let watch = watches.get(watchId);
    if (!watch) watches.set(watchId, (watch = { link, watchId, span, slots: new Set() }));
    for (const slot of slots) watch.slots.add(slot);
  }

  drop(link: LinkId, watchId: number): void {
    const watches = this.byLink.get(link);
    watches?.delete(watchId);
    if (watches?.size === 0) this.byLink.delete(link);
  }

  dropLink(link: LinkId): void {
    this.byLink.delete(link);
  }

  /** @param settled everything up to here has been told with this */
  tell(changes: KeyChange[], settled: number, send: (link: LinkId, message: KeysFromData) => void): void {
    for (const watches of this.byLink.values()) {
      for (const { link, watchId, span, slots } of watches.values()) {
        const told = changes.filter(({ slot, key }) => slots.has(slot) && isWithin(key, span));
        if (told.length > 0) send(link, { kind: 'keysChanged', watchId, revision: settled, changes: told });
      }
    }
  }
}
