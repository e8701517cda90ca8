import type { KeyChange, KeyEntry } from '#model';

/**
 * What has happened to the keys of a slot between two looks at it, where each key was changed once at most; undefined where more
 * may have happened than can be seen. That a key is gone tells neither when, nor whether it was changed before.
 */
export function changesBetween(
  before: ReadonlyMap<string, KeyEntry>,
  after: ReadonlyMap<string, KeyEntry>,
  slot: number,
): KeyChange[] | undefined {
  const changes: KeyChange[] = [];
  for (const key of before.keys()) if (!after.has(key)) return undefined;
  for (const [key, entry] of after) {
    const prev = before.get(key);
    if (prev?.modRevision === entry.modRevision) continue;
    const isNext = prev
      ? entry.createRevision === prev.createRevision && entry.version === prev.version + 1
      : entry.version === 1;
    if (!isNext || (prev && entry.modRevision < prev.modRevision)) return undefined;
    changes.push({ slot, revision: entry.modRevision, key, entry, ...(prev ? { prev } : {}) });
  }
  return changes;
}
