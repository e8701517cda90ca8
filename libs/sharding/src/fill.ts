import { isWaiting } from './repair.js';
import type { Placement } from './placement.js';

/**
 * Keeps what replicas can stay, and finds a server for every replica that is missing.
 * @returns the slots where there was a choice
 */
export function fill(placement: Placement): number[] {
  const { cluster, replicas } = placement;
  const crowded: number[] = [];
  const short: number[] = [];
  for (let slot = 0; slot < cluster.slots.length; slot++) {
    if (isWaiting(cluster.slots[slot]!)) continue;
    const held = placement.held(slot);
    if (held.length > cluster.replicas) crowded.push(slot);
    else keep(placement, slot, held);
    if (held.length <= cluster.replicas && replicas[slot]!.length < cluster.replicas) short.push(slot);
  }
  short.push(...thinOut(placement, crowded));
  for (const slot of short)
    while (replicas[slot]!.length < cluster.replicas) placement.add(slot, neediest(placement, slot));
  return [...new Set([...crowded, ...short])];
}

/** Keeps the first of those held that can stay together, one of which has to be able to lead. */
function keep(placement: Placement, slot: number, held: number[]): void {
  const { cluster, spread } = placement;
  const { fit } = cluster;
  if (held.length <= cluster.replicas && held.some((server) => fit[server]) && spread.allows(held)) {
    placement.take(slot, held);
    return;
  }
  const kept: number[] = [];
  for (const server of held) {
    if (kept.length === cluster.replicas) break;
    const isLast = kept.length === cluster.replicas - 1;
    if (isLast && !fit[server] && !kept.some((other) => fit[other])) continue;
    if (spread.hasRoom(kept, server)) kept.push(server);
  }
  placement.take(slot, kept);
}

/**
 * Chooses which replicas stay where a slot has more than it needs: while one moves, or after the replica count was
 * lowered. Unfit servers go first, then those that carry most of their share; the leader stays.
 * @returns the slots that can keep too few, since the others stand in the wrong zones
 */
function thinOut(placement: Placement, crowded: readonly number[]): number[] {
  const { bounds, cluster, load } = placement;
  const extra = load.map(() => 0);
  const helds = crowded.map((slot) => placement.held(slot));
  for (const held of helds) for (const server of held) extra[server]!++;
  return crowded.filter((slot, at) => {
    const held = helds[at]!;
    const { leader } = cluster.slots[slot]!;
    const order = (server: number): number => {
      if (!cluster.fit[server]) return Infinity;
      return server === leader ? 0 : (load[server]! + extra[server]!) / bounds.share[server]!;
    };
    const ordered = held.map((server) => ({ server, rank: order(server) })).toSorted((a, b) => a.rank - b.rank);
    for (const server of held) extra[server]!--;
    keep(
      placement,
      slot,
      ordered.map(({ server }) => server),
    );
    const own = placement.replicas[slot]!;
    if (placement.leader[slot]! >= 0 && !own.includes(placement.leader[slot]!)) placement.unlead(slot);
    return own.length < cluster.replicas;
  });
}

/**
 * Of the servers that a replica of the slot may stand on, the one to give it to: one that carries too little before one
 * that has room, a fit one before any other; of those the one that carries least of its share, and least of
 * what the slot's leader leads: when a leader dies, everyone is to take over a little.
 */
function neediest({ cluster, replicas, spread, bounds, load, leader, led, shared }: Placement, slot: number): number {
  const { placeable, fit } = cluster;
  const own = replicas[slot]!;
  const by = leader[slot]!;
  let best = -1;
  let bestRank = 0;
  let bestCost = 0;
  for (let server = 0; server < placeable.length; server++) {
    if (!placeable[server] || own.includes(server) || !spread.hasRoom(own, server)) continue;
    const carried = load[server]!;
    const rank = !fit[server] ? 3 : carried < bounds.fewest[server]! ? 0 : carried < bounds.most[server]! ? 1 : 2;
    const dueOfLeader = by < 0 ? 0 : (led[by]! * bounds.share[server]!) / cluster.slots.length;
    const ofLeader = by < 0 ? 0 : shared[by * placeable.length + server]!;
    // Half a slot more, as in the Webster method, keeps shares closest to exact for large and small servers alike.
    const cost = (carried + ofLeader - dueOfLeader + 0.5) / bounds.share[server]!;
    if (best >= 0 && (rank > bestRank || (rank === bestRank && cost >= bestCost))) continue;
    [best, bestRank, bestCost] = [server, rank, cost];
  }
  return best;
}
