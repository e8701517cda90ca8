import type { Member } from './table.js';

/**
 * The highest feature level that this version supports. A new command, field or hash that older versions would
 * misunderstand comes with the next level, and waits until every member and every meta server supports that.
 */
export const FEATURE_LEVEL = 4;

/** From here on meta knows which disks hold persistent publications; before, none is taken. */
export const PERSISTENT_LEVEL = 2;

/** From here on there are more switches than `stopPush` and `readOnly`. */
export const SWITCHES_LEVEL = 3;

/** From here on data servers keep the keyspace of etcd. */
export const ETCD_LEVEL = 4;

/** Of a member or a hello: a version that says nothing of levels supports the first. */
export function featureLevelOf({ featureLevel = 1 }: Pick<Member, 'featureLevel'>): number {
  return featureLevel;
}
