import type { PublisherView } from '#model';
import type { ListChanges } from './contract.js';

/**
 * What leads from one list to the other; undefined where nothing does. Who looks the same in both stays the object of the
 * former.
 */
export function changesBetween(
  before: ReadonlyMap<string, PublisherView>,
  after: Map<string, PublisherView>,
): ListChanges | undefined {
  const changes = noChanges();
  for (const [registerId, publisher] of after) {
    const was = before.get(registerId);
    if (was === undefined) changes.added.push(publisher);
    else if (sameValue(was, publisher)) after.set(registerId, was);
    else changes.updated.push(publisher);
  }
  if (before.size + changes.added.length > after.size)
    for (const [registerId, publisher] of before) if (!after.has(registerId)) changes.removed.push(publisher);
  return isNone(changes) ? undefined : changes;
}

export function noChanges(): ListChanges {
  return { added: [], updated: [], removed: [] };
}

export function isNone({ added, updated, removed }: ListChanges): boolean {
  return added.length === 0 && updated.length === 0 && removed.length === 0;
}

/** Values from the network may be nested at will; beyond this depth they count as different. */
const MAX_DEPTH = 16;

/** Structural equality of decoded values. What it cannot judge counts as different, which costs one more event. */
export function sameValue(a: unknown, b: unknown, depth = 0): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b) || depth > MAX_DEPTH) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return false;
    if (!sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
