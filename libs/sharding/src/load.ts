import type { RoutingTable } from '#model';

/** How many slots a data server leads, and how many it may lead in a balanced table. */
export interface ServerLoad {
  incarnation: string;
  weight: number;
  slots: number;
  /** Bounds of what counts as balanced, both included. */
  fewest: number;
  most: number;
}

/** A server may be off its share by 10 % or by one slot, whichever is more. */
const TOLERANCE = 0.1;

/**
 * The load of every live data server, by incarnation in ascending order. The bounds always leave room for all slots:
 * the shares add up to the number of slots, and no server's bounds exclude its share.
 */
export function serverLoads(table: RoutingTable): ServerLoad[] {
  const counts = slotCounts(table);
  const servers = table.members.filter(({ role }) => role === 'data');
  const weighted = servers.some(({ weight }) => usable(weight) > 0);
  const weightOf = (weight: number): number => (weighted ? usable(weight) : 1);
  const totalWeight = servers.reduce((sum, { weight }) => sum + weightOf(weight), 0);
  return servers
    .map(({ incarnation, weight: given }) => {
      const weight = weightOf(given);
      const share = (table.slots.length * weight) / totalWeight;
      const slack = weight > 0 ? Math.max(1, share * TOLERANCE) : 0;
      return {
        incarnation,
        weight,
        slots: counts.get(incarnation) ?? 0,
        fewest: Math.max(0, Math.ceil(share - slack)),
        most: Math.floor(share + slack),
      };
    })
    .toSorted((a, b) => (a.incarnation < b.incarnation ? -1 : 1));
}

/** Slots by the incarnation that the table names as leader, live or not. */
export function slotCounts(table: Pick<RoutingTable, 'slots'>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { leader } of table.slots) {
    if (leader !== null) counts.set(leader, (counts.get(leader) ?? 0) + 1);
  }
  return counts;
}

/** A weight comes from another machine: what is not a positive number leads nothing while any other server can. */
function usable(weight: number): number {
  return Number.isFinite(weight) && weight > 0 ? weight : 0;
}
