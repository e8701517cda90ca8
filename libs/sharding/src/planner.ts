import { Cluster, type PlanInput } from './cluster.js';
import { DEFAULT_LIMITS } from './limits.js';
import { dropGone, progress } from './progress.js';
import { repairLeaders } from './repair.js';
import type { PlanStep } from './steps.js';
import { type Target, findTarget } from './target.js';

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
  return planNext(new Cluster(input), input).steps;
}

/** A plan, and the target it leads to, where there is one; the cluster then has the leaders that are planned. */
export function planNext(cluster: Cluster, input: PlanInput): { steps: PlanStep[]; target?: Target } {
  const repairs = repairLeaders(cluster, input);
  for (const step of repairs) cluster.apply(step);
  if (input.frozen) return { steps: repairs };
  // While all servers drain there is nowhere to go.
  const target = cluster.replicas > 0 ? findTarget(cluster, input) : undefined;
  // Of a slot that is repaired the leaderEpoch is about to change, so all else that it needs comes with the next plan.
  const repaired = new Set(repairs.map(({ slot }) => slot));
  const others = [...cluster.slots.keys()].filter((slot) => !repaired.has(slot));
  return { steps: [...repairs, ...planTowards(target, cluster, input, others)], target };
}

/** What is next for slots whose leaders are in place. */
export function planTowards(
  target: Target | undefined,
  cluster: Cluster,
  { limits }: PlanInput,
  slots: readonly number[],
): PlanStep[] {
  const gone = dropGone(cluster, slots);
  return target ? [...gone, ...progress(cluster, target, { ...DEFAULT_LIMITS, ...limits }, slots)] : gone;
}
