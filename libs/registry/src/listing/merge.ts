import type { Page } from './page.js';
import { type Place, comparePlaces } from './place.js';

/**
 * The next page of the list of several servers, made of the next pages of each behind the same place. How far they have all got is
 * where the one ends that has got least far: behind that it may have something which would be passed over. What two tell of, since
 * it has gone from one to the other meanwhile, is told once.
 */
export function mergePages<Item>(pages: readonly Page<Item>[], limit: number): Page<Item> {
  let end: Place | undefined;
  for (const { next } of pages) if (next && (!end || comparePlaces(next, end) < 0)) end = next;
  const all = pages.flatMap(({ items, places }) => items.map((item, at) => ({ item, place: places[at]! })));
  const reached = all.filter(({ place }) => !end || comparePlaces(place, end) <= 0);
  const sorted = reached.toSorted((a, b) => comparePlaces(a.place, b.place));
  const once = sorted.filter(({ place }, at) => at === 0 || comparePlaces(place, sorted[at - 1]!.place) > 0);
  const kept = once.slice(0, limit);
  const next = once.length > limit ? kept.at(-1)!.place : end;
  return {
    items: kept.map(({ item }) => item),
    places: kept.map(({ place }) => place),
    ...(next ? { next } : {}),
  };
}
