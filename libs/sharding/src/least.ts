import { Cluster, type PlanInput } from './cluster.js';
import { type ServerLoad, loadsOf } from './loads.js';
import { repairLeaders } from './repair.js';
import { Spread } from './spread.js';

/** Numbers of changes of a table. */
export interface Changes {
  /** Replicas that begin to catch up: each copies a slot. */
  joins: number;
  /** Slots that get another leader, by promotion, beginning or move. */
  leaders: number;
}

/**
 * The fewest changes with which any plan could bring the table where the planner wants it: lower bounds, which the planner
 * meets wherever the zones do not stand in its way.
 *
 * Joins: one for each replica that a slot lacks, counting out what cannot stay (on servers that drain, or too many in a
 * zone), and one for each that a server holds beyond its bounds, less those that go anyway; or, if that is more,
 * one for each that servers hold too few.
 *
 * Leaders: one for each slot that has none that lives and is fit, which then is led by a complete follower where there is
 * one; and from there one for each that has to leave a draining server and one for each that a server leads beyond its
 * bounds; or, if that is more, one for each that servers lead too few.
 */
export function leastChanges(input: PlanInput): Changes {
  const cluster = new Cluster(input);
  const repairs = repairLeaders(cluster, input);
  for (const step of repairs) cluster.apply(step);
  if (input.frozen || cluster.replicas === 0) return { joins: 0, leaders: repairs.length };
  const loads = loadsOf(cluster).filter((_, server) => cluster.placeable[server]);
  return { joins: leastJoins(cluster, loads), leaders: repairs.length + leastMoves(cluster, loads) };
}

function leastJoins(cluster: Cluster, loads: readonly ServerLoad[]): number {
  const spread = new Spread(cluster);
  let missing = 0;
  let leaving = 0;
  for (const { leader, followers, joining } of cluster.slots) {
    // A slot that waits for a complete replica gets no others.
    if (leader < 0) continue;
    const held = [...new Set([leader, ...followers, ...joining])].filter((server) => cluster.placeable[server]);
    const kept: number[] = [];
    for (const server of held) if (kept.length < cluster.replicas && spread.hasRoom(kept, server)) kept.push(server);
    missing += cluster.replicas - kept.length;
    leaving += held.length - kept.length;
  }
  const { excess, deficit } = imbalance(loads.map(({ replicas }) => replicas));
  return Math.max(missing + Math.max(0, excess - leaving), deficit);
}

function leastMoves(cluster: Cluster, loads: readonly ServerLoad[]): number {
  const leaving = cluster.slots.filter(({ leader }) => leader >= 0 && !cluster.placeable[leader]).length;
  const { excess, deficit } = imbalance(loads.map(({ leads }) => leads));
  return Math.max(leaving + excess, deficit);
}

function imbalance(loads: readonly ServerLoad['leads'][]): { excess: number; deficit: number } {
  return {
    excess: loads.reduce((sum, { count, most }) => sum + Math.max(0, count - most), 0),
    deficit: loads.reduce((sum, { count, fewest }) => sum + Math.max(0, fewest - count), 0),
  };
}
