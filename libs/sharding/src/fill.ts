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
    const { leader, followers, joining } = cluster.slots[slot]!;
    if (1 + followers.length + joining.length > cluster.replicas) {
      const held = placement.held(slot);
      if (held.length > cluster.replicas) {
        crowded.push(slot);
        continue;
      }
    }
    if (leader >= 0) keep(placement, slot, leader);
    for (const server of followers) keep(placement, slot, server);
    for (const server of joining) keep(placement, slot, server);
    if (replicas[slot]!.length < cluster.replicas && !isWaiting(cluster.slots[slot]!)) short.push(slot);
  }
  for (const slot of thinOut(placement, crowded)) short.push(slot);
  for (const slot of short)
    while (replicas[slot]!.length < cluster.replicas) placement.add(slot, neediest(placement, slot));
  return [...new Set([...crowded, ...short])];
}

function keep(placement: Placement, slot: number, server: number): void {
  const { cluster, spread } = placement;
  const own = placement.replicas[slot]!;
  if (!cluster.placeable[server] || own.length === cluster.replicas || own.includes(server)) return;
  // Somebody has to be able to lead.
  const isLast = own.length === cluster.replicas - 1;
  if (isLast && !cluster.fit[server] && !own.some((other) => cluster.fit[other])) return;
  if (spread.hasRoom(own, server)) placement.add(slot, server);
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
    for (const { server } of ordered) keep(placement, slot, server);
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
