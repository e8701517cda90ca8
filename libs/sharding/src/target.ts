import { balance } from './balance.js';
import type { Cluster, PlanInput } from './cluster.js';
import { fill } from './fill.js';
import { chooseLeaders } from './leaders.js';
import { Placement } from './placement.js';

/** What the table is to become, by slot: empty, and led by -1, for a slot that waits. */
export interface Target {
  replicas: readonly (readonly number[])[];
  leader: readonly number[];
  placement: Placement;
}

/**
 * The nearest table that has everything: replicas on distinct servers, spread over zones, as many as wanted, balanced.
 * All of it is worked out anew from each table, and counts replicas that are joining as if they were
 * complete: a table on the way to its target has that target, or one as near.
 */
export function findTarget(cluster: Cluster, { mayBalance = true }: Pick<PlanInput, 'mayBalance'>): Target {
  const placement = new Placement(cluster);
  balance(placement, fill(placement), mayBalance);
  return { replicas: placement.replicas, leader: chooseLeaders(placement, mayBalance), placement };
}
