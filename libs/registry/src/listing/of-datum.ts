import type { Publication } from '#model';
import { Nearest } from './nearest.js';
import { type Place, comparePlaces } from './place.js';
import type { ListQuery } from './query.js';

/** A page of the publications of one datum, by their registerIds. */
export function publicationsAfter(
  publications: readonly Publication[],
  { after, limit }: Pick<ListQuery, 'after' | 'limit'>,
): { publications: Publication[]; next?: Place } {
  const nearest = new Nearest<Publication>(limit);
  for (const publication of publications) {
    const place: Place = [0, publication.registerId];
    if (!after || comparePlaces(place, after) > 0) nearest.offer(place, publication);
  }
  const { placed, end } = nearest.take();
  return { publications: placed.map(({ entry }) => entry), ...(end ? { next: end } : {}) };
}
