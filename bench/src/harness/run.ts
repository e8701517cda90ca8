import type { System } from '../systems/system.js';
import { DEADLINE_MS, makeLoad } from './load.js';
import { type Entry, jobOf } from './plan.js';
import { runProgram } from './program.js';
import { type Measured, type RoundResult, type Run, nothingYet } from './results.js';

export type Tell = (line: string) => void;

/** What is to be measured of a workload, and what must be known for that. */
export interface Plan {
  readonly entry: Entry;
  readonly systems: readonly System[];
  readonly rounds: number;
  readonly run: Run;
  /** How many rounds of a system there are already. */
  has(system: string): number;
  /** Whether one more of a system may begin now. */
  mayBegin(system: string): boolean;
}

/** Rounds of one workload, each of all systems one after the other, in another order each time. Answers how many it has left out. */
export async function measure(
  { entry, systems, rounds, run, has, mayBegin }: Plan,
  tell: Tell,
  onResult: (measured: Measured) => Promise<void>,
): Promise<number> {
  const chosen = systems.filter(({ name }) => jobOf(entry, name) !== undefined);
  const measured = nothingYet(entry, { ...run, systems: {} });
  let left = 0;
  for (let round = 1; round <= rounds; round++) {
    const results: Record<string, RoundResult> = {};
    for (let i = 0; i < chosen.length; i++) {
      const system = chosen[(i + round - 1) % chosen.length]!;
      if (round <= has(system.name)) continue;
      if (!mayBegin(system.name)) {
        left++;
        continue;
      }
      const startMs = performance.now();
      const result = await measureOne(system, entry);
      const tookSeconds = (performance.now() - startMs) / 1000;
      results[system.name] = { ...result, tookSeconds };
      if (Object.keys(results).length === 1) measured.rounds.push(results);
      measured.runs[0]!.systems[system.name] = run.systems[system.name]!;
      tell(
        `${entry.name}, round ${round}/${rounds}, ${system.name} (${tookSeconds.toFixed(0)} s): ${inShort(entry, result)}`,
      );
      // What has been measured stays when the rest is interrupted.
      await onResult(measured);
    }
  }
  return left;
}

/** A system that does not survive this is told of, and does not keep the others from it. */
async function measureOne(system: System, entry: Entry): Promise<RoundResult> {
  const job = jobOf(entry, system.name)!;
  const { deadlineMs = DEADLINE_MS } = entry;
  try {
    if ('script' in job) return await runProgram(job, deadlineMs);
    const servers = await system.start();
    try {
      return await makeLoad(system, servers, job, deadlineMs);
    } finally {
      await servers.stop();
    }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

function inShort({ metrics }: Entry, result: RoundResult): string {
  if ('failed' in result) return `FAILED: ${result.failed}`;
  const parts = metrics.flatMap(({ key, unit }) => {
    const value = result.metrics[key];
    return value === undefined ? [] : `${key} ${value.toFixed(2)}${unit === '/s' ? '' : ` ${unit}`}`;
  });
  return `${parts.join(', ')}${result.missed > 0 ? `, ${result.missed} MISSED` : ''}`;
}
