import { Cluster, type PlanInput } from './cluster.js';
import { type Changes, leastChanges } from './least.js';
import { type ServerLoad, loadsOf } from './loads.js';
import { planNext, planTowards } from './planner.js';
import type { PlanStep } from './steps.js';
import type { Target } from './target.js';

/** What plans would lead to, if nothing else happened and every replica caught up. */
export interface Forecast {
  /** In the order in which they would be made. */
  steps: PlanStep[];
  /** How often the table would be planned for. */
  rounds: number;
  changes: Changes;
  /** With how few changes it could be done at best. */
  least: Changes;
  /** Before, and in the end. */
  loads: { before: ServerLoad[]; after: ServerLoad[] };
}

/** Plans until nothing is left to do, without doing it. */
export function forecast(input: PlanInput): Forecast {
  const cluster = new Cluster(input);
  const before = loadsOf(cluster);
  const rounds: PlanStep[][] = [];
  while (approach(cluster, input, rounds));
  const steps = rounds.flat();
  return {
    steps,
    rounds: rounds.length,
    changes: {
      joins: steps.filter(({ type }) => type === 'join').length,
      leaders: steps.filter(({ type }) => type === 'promote' || type === 'begin' || type === 'move').length,
    },
    least: leastChanges(input),
    loads: { before, after: loadsOf(cluster) },
  };
}

/** Plans, and goes on to the target of that plan instead of finding it anew each time. False when all is done. */
function approach(cluster: Cluster, input: PlanInput, rounds: PlanStep[][]): boolean {
  const { steps, target } = planNext(cluster, input);
  let slots = [...cluster.slots.keys()];
  if (steps.length === 0) return !input.frozen && finishJoins(cluster, slots);
  for (let round = steps; round.length > 0; round = planTowards(target, cluster, input, slots)) {
    rounds.push(round);
    for (const step of round) cluster.apply(step);
    if (input.frozen) break;
    for (const slot of slots) cluster.complete(slot);
    slots = slots.filter((slot) => !target || !isThere(cluster, target, slot));
  }
  return true;
}

/** Nothing may be next only because so much is under way. False when nothing is. */
function finishJoins(cluster: Cluster, slots: readonly number[]): boolean {
  const joining = slots.filter((slot) => cluster.slots[slot]!.leader >= 0 && cluster.slots[slot]!.joining.length > 0);
  for (const slot of joining) cluster.complete(slot);
  return joining.length > 0;
}

function isThere({ slots }: Cluster, target: Target, slot: number): boolean {
  const { leader, followers, joining, gone } = slots[slot]!;
  const wanted = target.replicas[slot]!;
  return (
    leader === target.leader[slot] &&
    joining.length + gone.length === 0 &&
    followers.length === wanted.length - 1 &&
    followers.every((server) => wanted.includes(server))
  );
}
