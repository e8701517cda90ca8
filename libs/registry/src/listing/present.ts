import type { Page } from './page.js';
import { formatCursor, parseCursor } from './place.js';
import type { ListQuery } from './query.js';

/**
 * A page as it is answered. To a server that asks others for theirs, `cursors` tell where each item stands: so it needs to know
 * nothing about items, which may be those of another version.
 */
export function presentPage(
  list: string,
  { items, places, next }: Page<object>,
  { isLocal }: Pick<ListQuery, 'isLocal'>,
): Record<string, unknown> {
  return {
    [list]: items,
    ...(isLocal ? { cursors: places.map((place) => formatCursor(list, place)) } : {}),
    ...(next ? { next: formatCursor(list, next) } : {}),
  };
}

/** The page that another server has answered; undefined when that is none. */
export function readPage(list: string, answer: Record<string, unknown>): Page<object> | undefined {
  const { [list]: items, cursors, next } = answer;
  if (!Array.isArray(items) || !Array.isArray(cursors) || items.length !== cursors.length) return undefined;
  const places = cursors.map((cursor) => parseCursor(list, String(cursor)));
  const end = next === undefined ? undefined : parseCursor(list, String(next));
  if (places.includes(undefined) || (next !== undefined && !end)) return undefined;
  return { items, places: places as Page<object>['places'], ...(end ? { next: end } : {}) };
}
