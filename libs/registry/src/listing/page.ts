import { type Place, comparePlaces } from './place.js';
import { Nearest, type Placed } from './nearest.js';

/**
 * What there is to list, kept in parts, such as slots. The order is that of places: part by part, and by name within one. No
 * index is kept for it, since what is listed now and then must cost nothing where it comes and goes all the time.
 */
export interface Listing<Entry, Item> {
  /** From the first part that can have something to the one behind the last. */
  readonly parts: readonly [from: number, to: number];
  /** All of a part, in any order; may change while it is gone through, as a `Map` or a `Set` may. */
  entries(part: number): Iterable<Entry>;
  matches(entry: Entry): boolean;
  placeOf(entry: Entry, part: number): Place;
  /** For people; undefined when it has gone since it was found. */
  describe(entry: Entry): Item | undefined;
}

export interface Page<Item> {
  items: Item[];
  /** Of the items, in their order, which is that of places. */
  places: Place[];
  /** Everything up to here is in this page or in those before. Left out at the end of the list. */
  next?: Place;
}

/** One page being made. It stops now and then, for others to have a turn; how long for makes no difference. */
export type PageWork<Item> = Generator<void, Page<Item>, void>;

export interface PageBounds {
  /** Looked at in one turn. */
  turn: number;
  /** Looked at for one page: with so many, it ends with the part that it is in. */
  page: number;
}

/** A turn takes a millisecond or a few. */
export const PAGE_BOUNDS: PageBounds = { turn: 2_000, page: 50_000 };

/** To describe something costs as much as to look at so many. */
const DESCRIBED = 20;

/**
 * The next page of a list. Whatever is there from the first page to the last is in exactly one of them: a part is gone through as a
 * whole, for what stands nearest behind the place where the page before has ended.
 *
 * So the work for a page is bounded by `page`, or by the largest part where that is more, and no turn of it by more than
 * `turn`. A page may be short, or empty, and yet not be the last.
 */
export function* pageOf<Entry, Item>(
  listing: Listing<Entry, Item>,
  { after, limit }: { after: Place | undefined; limit: number },
  bounds: PageBounds = PAGE_BOUNDS,
): PageWork<Item> {
  const [from, to] = listing.parts;
  const found: Placed<Entry>[] = [];
  let next: Place | undefined;
  let turn = 0;
  let looked = 0;
  for (let part = Math.max(from, after?.[0] ?? 0); part < to; part++) {
    const nearest = new Nearest<Entry>(limit - found.length);
    if (++turn >= bounds.turn) turn = yield* others();
    looked++;
    for (const entry of listing.entries(part)) {
      looked++;
      const place = listing.matches(entry) ? listing.placeOf(entry, part) : undefined;
      if (place && (!after || comparePlaces(place, after) > 0)) nearest.offer(place, entry);
      if (++turn >= bounds.turn) turn = yield* others();
    }
    const { placed, end } = nearest.take();
    found.push(...placed);
    const isEnough = end !== undefined || found.length >= limit || looked >= bounds.page;
    if (!isEnough) continue;
    if (end || part + 1 < to) next = end ?? [part + 1];
    break;
  }
  const page: Page<Item> = { items: [], places: [], ...(next ? { next } : {}) };
  for (const { entry, place } of found) {
    if ((turn += DESCRIBED) >= bounds.turn) turn = yield* others();
    const item = listing.describe(entry);
    if (item === undefined) continue;
    page.items.push(item);
    page.places.push(place);
  }
  return page;
}

/** @returns what has been done of the next turn */
function* others(): Generator<void, number, void> {
  yield;
  return 0;
}
