import type { Result } from './load.js';
import type { Entry, Goal, Metric, Unit } from './plan.js';
import { percentile, summary } from './summary.js';

export type RoundResult = (Result | { failed: string }) & { tookSeconds?: number };

/** One time that some rounds of some systems were measured: when, from what, and on what. */
export interface Run {
  readonly measuredAt: string;
  readonly command: string;
  /** What the checkout held, with `+` when there were changes beside it. */
  readonly commit: string;
  readonly machine: Machine;
  /** Those measured, with their versions. */
  readonly systems: Record<string, string>;
}

export type Machine = Readonly<Record<string, string | number>>;

/** What one workload came to: one record a round, by system. */
export interface Measured {
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly goals: readonly Goal[];
  /** Systems that do nothing of the kind, and why not. */
  readonly without: Readonly<Record<string, string>>;
  readonly runs: readonly Run[];
  readonly rounds: Record<string, RoundResult>[];
}

/** Of the form of the file in which they are kept. */
export const FORMAT = 2;

export interface Results {
  format: typeof FORMAT;
  machine: Machine;
  /** Those measured, with their versions. */
  systems: Record<string, { version: string; setup: string }>;
  /** Those left out, and why. */
  skipped: Record<string, string>;
  workloads: Record<string, Measured>;
}

/**
 * Results beside earlier ones. Of a system in a workload the newer count, or, where rounds are added, those that were measured
 * earlier and the newer. Of other systems, and in other workloads, the earlier ones stay.
 */
export function merged(earlier: Results | undefined, newer: Results, isAdding = false): Results {
  if (!earlier) return newer;
  const systems = { ...earlier.systems, ...newer.systems };
  const skipped = Object.fromEntries(
    Object.entries({ ...earlier.skipped, ...newer.skipped }).filter(([name]) => !(name in systems)),
  );
  const workloads = { ...earlier.workloads };
  for (const [name, measured] of Object.entries(newer.workloads)) {
    const before = workloads[name];
    workloads[name] = before ? together(isAdding ? before : reduced(before, measured), measured) : measured;
  }
  return { ...newer, systems, skipped, workloads };
}

/** Each system has the rounds before, and then those that came after. */
function together(before: Measured, after: Measured): Measured {
  const rounds = before.rounds.map((round) => ({ ...round }));
  for (const round of after.rounds)
    for (const [system, result] of Object.entries(round)) {
      let free = rounds.find((each) => !(system in each));
      if (!free) rounds.push((free = {}));
      free[system] = result;
    }
  return { ...after, runs: [...before.runs, ...after.runs], rounds };
}

/** Without those systems that were measured again. */
function reduced(before: Measured, after: Measured): Measured {
  const again = new Set(after.rounds.flatMap((round) => Object.keys(round)));
  const others = <T>(of: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(of).filter(([system]) => !again.has(system)));
  const isAny = (of: object): boolean => Object.keys(of).length > 0;
  return {
    ...before,
    runs: before.runs.map((run) => ({ ...run, systems: others(run.systems) })).filter(({ systems }) => isAny(systems)),
    rounds: before.rounds.map(others).filter(isAny),
  };
}

/** How many rounds there are of a system. */
export function roundsOf(measured: Measured | undefined, system: string): number {
  return measured?.rounds.filter((round) => system in round).length ?? 0;
}

type Rounds = Pick<Measured, 'rounds'>;

/** What a system came to in the rounds in which it did not fail. */
export function resultsOf({ rounds }: Rounds, system: string): Result[] {
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

export function valuesOf(measured: Rounds, system: string, metric: string): number[] {
  return resultsOf(measured, system).flatMap(({ metrics }) => metrics[metric] ?? []);
}

/** Of all rounds together, from the least to the most. */
export function samplesOf(measured: Rounds, system: string, of: string): number[] {
  return resultsOf(measured, system)
    .flatMap(({ samples }) => samples?.[of] ?? [])
    .toSorted((a, b) => a - b);
}

/** Round by round, as far as both came to something in it: what else the machine did then has met both. */
export function ratios({ rounds }: Rounds, system: string, other: string, metric: string): number[] {
  return rounds.flatMap((round) => {
    const [mine, theirs] = [round[system], round[other]];
    if (!mine || !theirs || 'failed' in mine || 'failed' in theirs) return [];
    const ratio = (mine.metrics[metric] ?? NaN) / (theirs.metrics[metric] ?? NaN);
    return Number.isNaN(ratio) ? [] : [ratio];
  });
}

/** The goal of a metric of that name is that nothing was. */
const MISSED = 'missed';

/** Also of what has not been measured yet. */
type Of = Pick<Measured, 'metrics' | 'goals' | 'rounds'>;

export interface Judged extends Goal {
  /** The system that is hardest to keep up with; undefined when it is not compared with any. */
  readonly other: string | undefined;
  /** What is to be compared with the factor; undefined when too little was measured to tell. */
  readonly reached: number | undefined;
  readonly isMet: boolean;
  readonly isMore: boolean;
  /** Of the metric; what was missed is only counted. */
  readonly unit: Unit | '';
}

/** What is to be compared with a bound. */
function boundedBy(measured: Of, { metric, of, percent }: Goal): number | undefined {
  if (metric === MISSED) {
    const results = resultsOf(measured, of);
    return results.length === 0 ? undefined : results.reduce((sum, { missed }) => sum + missed, 0);
  }
  if (percent === undefined) return summary(valuesOf(measured, of, metric))?.median;
  const samples = samplesOf(measured, of, metric);
  return samples.length === 0 ? undefined : percentile(samples, percent);
}

/** Whether the goals of a workload are met, each by the median of its rounds. */
export function judged(measured: Of): Judged[] {
  return measured.goals.map((goal) => {
    const isMissed = goal.metric === MISSED;
    const unit = isMissed ? '' : (measured.metrics.find(({ key }) => key === goal.metric)?.unit ?? 'ms');
    const isMore = unit === '/s';
    const isMet = (reached: number): boolean => (isMore ? reached >= goal.factor : reached <= goal.factor);
    if (!goal.than) {
      const reached = boundedBy(measured, goal);
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
export function nothingYet({ title, metrics, goals, without = {} }: Entry, run: Run): Measured {
  return { title, metrics, goals, without, runs: [run], rounds: [] };
}
