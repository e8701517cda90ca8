import type { LinkId } from '#model';
import type { Datum } from './datum.js';

/** Which links want which datums of a slot, kept both ways so that the end of a link costs only what it wanted. */
export class Interest {
  private readonly byLink = new Map<LinkId, Set<Datum>>();

  links(): LinkId[] {
    return [...this.byLink.keys()];
  }

  add(link: LinkId, datum: Datum): void {
    (datum.interest ??= new Set()).add(link);
    let datums = this.byLink.get(link);
    if (!datums) this.byLink.set(link, (datums = new Set()));
    datums.add(datum);
  }

  drop(link: LinkId, datum: Datum): void {
    datum.interest?.delete(link);
    const datums = this.byLink.get(link);
    datums?.delete(datum);
    if (datums?.size === 0) this.byLink.delete(link);
  }

  /** Answers what the link wanted. */
  dropLink(link: LinkId): Datum[] {
    const datums = [...(this.byLink.get(link) ?? [])];
    this.byLink.delete(link);
    for (const datum of datums) datum.interest?.delete(link);
    return datums;
  }

  /** Datums that are wanted, each counted for every link that does. */
  get size(): number {
    let size = 0;
    for (const datums of this.byLink.values()) size += datums.size;
    return size;
  }

  /** Every datum that somebody wants, once. */
  datums(): Set<Datum> {
    const all = new Set<Datum>();
    for (const datums of this.byLink.values()) for (const datum of datums) all.add(datum);
    return all;
  }
}
