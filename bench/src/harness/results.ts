import type { Result } from './load.js';
import type { Entry, Goal, Metric, Unit } from './plan.js';

export type RoundResult = Result | { failed: string };

/** What one workload came to: one record a round, by system. */
export interface Measured {
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly goals: readonly Goal[];
  readonly measuredAt: string;
  readonly command: string;
  readonly rounds: Record<string, RoundResult>[];
}

export interface Results {
  machine: Record<string, string | number>;
  /** Those measured, with their versions. */
  systems: Record<string, { version: string; setup: string }>;
  /** Those left out, and why. */
  skipped: Record<string, string>;
  workloads: Record<string, Measured>;
}

/**
 * Results beside earlier ones of other workloads. Of the same workload the newer count, or, where rounds are added, those that
 * were measured earlier and the newer.
 */
export function merged(earlier: Results | undefined, newer: Results, isAdding = false): Results {
  if (!earlier) return newer;
  const systems = { ...earlier.systems, ...newer.systems };
  const skipped = Object.fromEntries(
    Object.entries({ ...earlier.skipped, ...newer.skipped }).filter(([name]) => !(name in systems)),
  );
  const workloads = { ...earlier.workloads };
  for (const [name, measured] of Object.entries(newer.workloads)) {
    const before = isAdding ? (workloads[name]?.rounds ?? []) : [];
    workloads[name] = { ...measured, rounds: [...before, ...measured.rounds] };
  }
  return { machine: newer.machine, systems, skipped, workloads };
}

export interface Summary {
  median: number;
  min: number;
  max: number;
}

export function summary(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** What a system came to in the rounds in which it did not fail. */
export function resultsOf({ rounds }: Measured, system: string): Result[] {
  return rounds.flatMap((round) => {
    const result = round[system];
    return result && !('failed' in result) ? [result] : [];
  });
}

export function failuresOf({ rounds }: Measured, system: string): string[] {
  return rounds.flatMap((round) => {
    const result = round[system];
    return result && 'failed' in result ? [result.failed] : [];
  });
}

export function valuesOf(measured: Measured, system: string, metric: string): number[] {
  return resultsOf(measured, system).flatMap(({ metrics }) => metrics[metric] ?? []);
}

/** Round by round, as far as both came to something in it: what else the machine did then has met both. */
export function ratios({ rounds }: Measured, system: string, other: string, metric: string): number[] {
  return rounds.flatMap((round) => {
    const [mine, theirs] = [round[system], round[other]];
    if (!mine || !theirs || 'failed' in mine || 'failed' in theirs) return [];
    return mine.metrics[metric]! / theirs.metrics[metric]!;
  });
}

export interface Judged extends Goal {
  /** The system that is hardest to keep up with; undefined when it is not compared with any. */
  readonly other: string | undefined;
  /** What is to be compared with the factor; undefined when too little was measured to tell. */
  readonly reached: number | undefined;
  readonly isMet: boolean;
  readonly isMore: boolean;
  /** Of the metric. */
  readonly unit: Unit;
}

/** Whether the goals of a workload are met, each by the median of its rounds. */
export function judged(measured: Measured): Judged[] {
  return measured.goals.map((goal) => {
    const unit = measured.metrics.find(({ key }) => key === goal.metric)?.unit ?? 'ms';
    const isMore = unit === '/s';
    const isMet = (reached: number): boolean => (isMore ? reached >= goal.factor : reached <= goal.factor);
    if (!goal.than) {
      const reached = summary(valuesOf(measured, goal.of, goal.metric))?.median;
      return { ...goal, isMore, unit, other: undefined, reached, isMet: reached !== undefined && isMet(reached) };
    }
    let worst: { other: string; reached: number } | undefined;
    for (const other of goal.than) {
      const reached = summary(ratios(measured, goal.of, other, goal.metric))?.median;
      if (reached === undefined) continue;
      if (!worst || (isMore ? reached < worst.reached : reached > worst.reached)) worst = { other, reached };
    }
    return {
      ...{ ...goal, isMore, unit, other: worst?.other, reached: worst?.reached },
      isMet: worst !== undefined && isMet(worst.reached),
    };
  });
}

/** Of an entry that is about to be measured. */
export function nothingYet({ title, metrics, goals }: Entry, measuredAt: string, command: string): Measured {
  return { title, metrics, goals, measuredAt, command, rounds: [] };
}
