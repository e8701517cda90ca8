import {
  type Judged,
  type Measured,
  type Results,
  failuresOf,
  judged,
  ratios,
  resultsOf,
  samplesOf,
  valuesOf,
} from './results.js';
import { type Summary, percentile, summary } from './summary.js';

const REFERENCE = 'rollcall-3';

/** Three digits that count, whatever the size. */
export function figure(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : value >= 0.095 ? 2 : 3);
}

export function withSpread({ median, min, max }: Summary): string {
  return `${figure(median)} (${figure(min)}-${figure(max)})`;
}

/** One line for each system: its metrics, and what the cores did. */
export function table(measured: Measured): string[][] {
  const { metrics } = measured;
  const head = [
    '',
    ...metrics.map(({ key, unit }) => (unit === '/s' ? key : `${key} ${unit}`)),
    'cores: servers',
    'load',
    'missed',
  ];
  const rows = systemsOf(measured).map((system) => {
    const results = resultsOf(measured, system);
    if (results.length === 0)
      return [system, `failed: ${failuresOf(measured, system)[0]}`, ...head.slice(2).map(() => '')];
    const cores = (of: 'servers' | 'load'): string => {
      const found = summary(results.flatMap((each) => each.cores?.[of] ?? []));
      return found ? figure(found.median) : '-';
    };
    const missed = results.reduce((sum, each) => sum + each.missed, 0);
    const failed = failuresOf(measured, system).length;
    return [
      failed > 0 ? `${system} (failed ${failed} of ${results.length + failed} rounds)` : system,
      ...metrics.map(({ key }) => {
        const found = summary(valuesOf(measured, system, key));
        return found ? withSpread(found) : '-';
      }),
      ...[cores('servers'), cores('load'), String(missed)],
    ];
  });
  return [head, ...rows];
}

/** How much each system has of each metric, as a multiple of what another has. */
export function ratioTable(measured: Measured, other = REFERENCE): string[][] {
  const systems = systemsOf(measured);
  if (!systems.includes(other)) return [];
  const head = [`times ${other}`, ...measured.metrics.map(({ key }) => key)];
  const rows = systems
    .filter((system) => system !== other)
    .map((system) => [
      system,
      ...measured.metrics.map(({ key }) => {
        const found = summary(ratios(measured, system, other, key));
        return found ? withSpread(found) : '-';
      }),
    ]);
  return [head, ...rows];
}

/** Of whatever was told sample by sample, all rounds together: a line for each system and each thing. */
export function distributions(measured: Measured): string[][] {
  const rows = systemsOf(measured).flatMap((system) => {
    const names = new Set(resultsOf(measured, system).flatMap(({ samples = {} }) => Object.keys(samples)));
    return [...names].map((of) => {
      const samples = samplesOf(measured, system, of);
      const at = (percent: number): string => figure(percentile(samples, percent));
      return [system, of, String(samples.length), at(50), at(90), at(99), at(100)];
    });
  });
  return rows.length === 0 ? [] : [['', 'ms', 'times', 'p50', 'p90', 'p99', 'max'], ...rows];
}

export function systemsOf({ rounds }: Measured): string[] {
  return [...new Set(rounds.flatMap((round) => Object.keys(round)))];
}

/** `rollcall: last p50 at most 2 times that of floor`, and so on. */
export function goalText({ of, metric, percent, factor, than, isMore, unit }: Judged): string {
  const what = percent === undefined ? metric : `${metric} p${percent}`;
  const bound = `at ${isMore ? 'least' : 'most'} ${figure(factor)}${than ? ' times' : unit && ` ${unit}`}`;
  const whose = than ? ` that of ${than.length > 1 ? `every one of ${than.join(', ')}` : than[0]}` : '';
  return `${of}: ${what} ${bound}${whose}`;
}

/** What was reached, and whether that is enough. */
export function verdict({ reached, isMet, than, other }: Judged): { reached: string; verdict: string } {
  if (reached === undefined) return { reached: '', verdict: 'not measured' };
  const whose = than && than.length > 1 ? ` (${other})` : '';
  return { reached: `${figure(reached)}${whose}`, verdict: isMet ? 'met' : 'MISSED' };
}

/** `rollcall: last p50 at most 2 times that of floor: met, 1.61`, and so on. */
export function goalLine(goal: Judged): string {
  const found = verdict(goal);
  return `${goalText(goal)}: ${[found.verdict, found.reached].filter(Boolean).join(', ')}`;
}

/** Of all workloads, for a terminal. */
export function text({ workloads }: Results): string {
  const parts = Object.values(workloads).map((measured) =>
    [
      measured.title,
      aligned(table(measured)),
      aligned(distributions(measured)),
      ...['floor', REFERENCE].map((other) => aligned(ratioTable(measured, other))),
      judged(measured)
        .map((goal) => `  ${goalLine(goal)}`)
        .join('\n'),
    ]
      .filter(Boolean)
      .join('\n\n'),
  );
  return parts.join('\n\n\n');
}

function aligned(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]!.length))) ?? [];
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
    .join('\n');
}
