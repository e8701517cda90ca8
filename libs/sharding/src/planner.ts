import { Cluster, type PlanInput } from './cluster.js';
import { DEFAULT_LIMITS } from './limits.js';
import { progress } from './progress.js';
import { repairLeaders } from './repair.js';
import type { PlanStep } from './steps.js';
import { findTarget } from './target.js';

/**
 * The next steps of the table, to be planned anew after each of its changes. Wanted are, in this order: a live leader
 * for every slot; its replicas on distinct servers; in distinct zones where there are several; as many as configured;
 * balance, by weight, of leaders and of replicas; and the fewest changes that lead there.
 *
 * A slot without a live leader that is fit gets one at once, without bound. All else comes a few steps at a time. The
 * same table gives the same plan, and a table that has everything gives an empty one.
 *
 * While no data server is live nothing is planned, and a slot goes on naming a leader that is gone: nobody could take
 * over, so a change would only raise the leaderEpoch, and cut off a server that may still serve those who reach it.
 */
export function plan(input: PlanInput): PlanStep[] {
  return planFor(new Cluster(input), input);
}

export function planFor(cluster: Cluster, input: PlanInput): PlanStep[] {
  const repairs = repairLeaders(cluster, input);
  if (input.frozen || cluster.replicas === 0) return repairs;
  for (const step of repairs) cluster.apply(step);
  const repaired = new Set(repairs.map(({ slot }) => slot));
  const limits = { ...DEFAULT_LIMITS, ...input.limits };
  return [
    ...repairs,
    ...progress(cluster, findTarget(cluster, input.mayBalance ?? true), limits, (slot) => repaired.has(slot)),
  ];
}
