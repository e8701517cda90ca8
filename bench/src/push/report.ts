import { type Percentiles, latencies, median, percentilesOf } from './histograms.js';
import type { Measured, Workload } from './workload.js';

/** What each system came to, round by round. */
export type Rounds = Map<string, Measured[]>;

const ms = (value: number): string => `${value.toFixed(2)} ms`;
const line = ({ p50, p99, p999, max }: Percentiles): string =>
  `p50 ${ms(p50)}  p99 ${ms(p99)}  p99.9 ${ms(p999)}  max ${ms(max)}`;

export function printRound(what: string, { of, missed }: Measured): void {
  const [histogram] = Object.values(of);
  console.error(`${what}: ${line(percentilesOf(histogram!))}${missed > 0 ? `, ${missed} MISSED` : ''}`);
}

/** Of all rounds together. */
function together(list: readonly Measured[], of: string): Percentiles {
  const all = latencies();
  for (const measured of list) all.add(measured.of[of]!);
  return percentilesOf(all);
}

/** Of what systems are compared by, to the floor in the same round. */
function ratios(list: readonly Measured[], floor: readonly Measured[], percentile: 'p50' | 'p99'): number[] {
  const value = ({ of }: Measured): number => percentilesOf(Object.values(of)[0]!)[percentile];
  return list.map((measured, round) => value(measured) / value(floor[round]!));
}

const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)})`;

export function print({ name, target }: Workload, bySystem: Rounds): void {
  console.log(`\n${name}`);
  const floor = bySystem.get('floor');
  for (const [system, list] of bySystem) {
    const cpu = median(list.map(({ cpuUsPerPush }) => cpuUsPerPush));
    const missed = list.reduce((sum, each) => sum + each.missed, 0);
    console.log(`  ${system}: processor ${cpu.toFixed(1)} us a push${missed > 0 ? `, ${missed} MISSED` : ''}`);
    for (const of of Object.keys(list[0]!.of)) console.log(`    ${of.padEnd(7)}${line(together(list, of))}`);
    const isFloor = list === floor;
    const [compared] = Object.keys(list[0]!.of);
    if (floor && !isFloor) {
      const [p50, p99] = (['p50', 'p99'] as const).map((percentile) => ratios(list, floor, percentile));
      console.log(`    ${compared} to the floor, by rounds: p50 ${spread(p50!)}x  p99 ${spread(p99!)}x`);
    }
    if (isFloor || (target.of === 'ratio' && !floor)) continue;
    const { percentile, most } = target;
    const reached =
      target.of === 'ratio'
        ? median(ratios(list, floor!, percentile))
        : median(list.map(({ of }) => percentilesOf(Object.values(of)[0]!)[percentile]));
    const unit = target.of === 'ratio' ? 'x the floor' : ' ms';
    const verdict = reached <= most ? 'reached' : 'missed';
    console.log(
      `    goal: ${percentile} of ${compared} at most ${most}${unit}: ${verdict}, ${reached.toFixed(2)}${unit}`,
    );
  }
}

export function inNumbers(bySystem: Rounds): object {
  const floor = bySystem.get('floor');
  return Object.fromEntries(
    [...bySystem].map(([system, list]) => [
      system,
      {
        ...Object.fromEntries(Object.keys(list[0]!.of).map((of) => [of, together(list, of)])),
        cpuUsPerPush: list.map(({ cpuUsPerPush }) => cpuUsPerPush),
        missed: list.map(({ missed }) => missed),
        ...(floor ? { ratios: { p50: ratios(list, floor, 'p50'), p99: ratios(list, floor, 'p99') } } : {}),
      },
    ]),
  );
}
