import { type SeedRun, type Simulation, Tally } from '../simulation.js';
import { type Progress, plural } from './progress.js';

/** What became of one seed. */
export type Outcome = { seed: number } & (
  | { run: SeedRun }
  /** `replayed`: the same again when it was run again at once. */
  | { failure: string; replayed: boolean }
);

/** Runs one seed after the other; several at once make use of several processors. */
export type Lane = (seed: number) => Promise<Outcome>;

export interface Seeds {
  first: number;
  count: number;
}

/** A defect that shows in every seed is seen in a few. */
const MOST_FAILURES = 10;

/** How a person runs this seed again, and sees what happens. */
export function replayCommand({ name }: Simulation, seed: number): string {
  return `npm run sim -- --${name} --seed ${seed} --seeds 1 --trace .`;
}

/** Runs the seeds and says how it goes. Answers whether nothing was wrong. */
export async function runSeeds(
  simulation: Simulation,
  { first, count }: Seeds,
  lanes: readonly Lane[],
  progress: Progress,
): Promise<boolean> {
  const tally = new Tally();
  let next = first;
  let done = 0;
  let failed = 0;
  progress.begin(simulation, count);
  const work = async (lane: Lane): Promise<void> => {
    while (next < first + count && failed < MOST_FAILURES && !progress.stopped) {
      const outcome = await lane(next++);
      done++;
      if ('run' in outcome) tally.add(outcome.run.exercised);
      else {
        failed++;
        progress.failure(outcome, replayCommand(simulation, outcome.seed));
      }
      progress.advance({ done, failed, tally });
    }
  };
  await Promise.all(lanes.map(work));
  // Only a run that was whole can have missed anything.
  const isWhole = done === count && failed === 0;
  const missing = isWhole && count >= simulation.enoughSeeds ? tally.missing(simulation) : [];
  progress.end({ done, failed, tally, missing });
  if (failed === MOST_FAILURES) progress.say(`Given up after ${plural(failed, 'seed')} that failed.`);
  return isWhole && missing.length === 0;
}

/** Runs a seed where it is asked for; one that fails, again, to see whether it fails in the same way. */
export function attempt(simulation: Simulation, seed: number): Outcome {
  try {
    return { seed, run: simulation.run(seed) };
  } catch (error) {
    const failure = messageOf(error);
    return { seed, failure, replayed: failure === failureOf(simulation, seed) };
  }
}

function failureOf(simulation: Simulation, seed: number): string | undefined {
  try {
    simulation.run(seed);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
