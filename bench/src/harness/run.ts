import type { System } from '../systems/system.js';
import { makeLoad } from './load.js';
import type { Entry } from './plan.js';
import { type Measured, type RoundResult, nothingYet } from './results.js';

export type Tell = (line: string) => void;

/** Rounds of one workload, each of all systems one after the other, in another order each time. */
export async function measure(
  entry: Entry,
  chosen: readonly System[],
  rounds: number,
  command: string,
  tell: Tell,
  onRound: (measured: Measured) => Promise<void>,
): Promise<void> {
  const systems = chosen.filter(({ name }) => !entry.without?.includes(name));
  const measured = nothingYet(entry, new Date().toISOString(), command);
  for (let round = 1; round <= rounds; round++) {
    const results: Record<string, RoundResult> = Object.fromEntries(systems.map(({ name }) => [name, { failed: '' }]));
    for (let i = 0; i < systems.length; i++) {
      const system = systems[(i + round - 1) % systems.length]!;
      const startMs = performance.now();
      const result = await measureOne(system, entry);
      results[system.name] = result;
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
      tell(`${entry.name}, round ${round}/${rounds}, ${system.name} (${seconds} s): ${inShort(entry, result)}`);
    }
    measured.rounds.push(results);
    await onRound(measured);
  }
}

/** A system that does not survive this is told of, and does not keep the others from it. */
async function measureOne(system: System, { job }: Entry): Promise<RoundResult> {
  try {
    const servers = await system.start();
    try {
      return await makeLoad(system, servers, job);
    } finally {
      await servers.stop();
    }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

function inShort({ metrics }: Entry, result: RoundResult): string {
  if ('failed' in result) return `FAILED: ${result.failed}`;
  const parts = metrics.map(
    ({ key, unit }) => `${key} ${result.metrics[key]!.toFixed(2)}${unit === '/s' ? '' : ` ${unit}`}`,
  );
  return `${parts.join(', ')}${result.missed > 0 ? `, ${result.missed} MISSED` : ''}`;
}
