import { type Stamp, compareStamps } from '#model';

/** What is held for a registerId: live, or a tombstone. */
export interface Held {
  stamp: Stamp;
  live: boolean;
}

/**
 * The one merge rule, per registerId: the higher stamp wins; at an equal stamp a removal beats a live entry; otherwise
 * nothing happens. `repeat` is the same thing again and counts as success; `stale` is a refusal, to be told to the
 * owner with the stamp held. A removal is taken also when nothing is held.
 */
export function merge(held: Held | undefined, incoming: Held): 'take' | 'repeat' | 'stale' {
  if (!held) return 'take';
  const order = compareStamps(incoming.stamp, held.stamp);
  if (order > 0) return 'take';
  if (order < 0) return 'stale';
  if (incoming.live === held.live) return 'repeat';
  return incoming.live ? 'stale' : 'take';
}
