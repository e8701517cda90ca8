import { ENTRIES, type Entry, UNITS, type Unit } from './plan.js';
import { distributions, goalText, ratioTable, systemsOf, table, verdict } from './report.js';
import { type Judged, type Machine, type Measured, type Results, type Run, judged, roundsOf } from './results.js';

export interface Page {
  readonly text: string;
  /** Of the plots, by the names under which the text shows them. */
  readonly plots: Readonly<Record<string, string>>;
}

const BEGINNING = `# Rollcall beside other registries

Made by \`npm run bench -- --save FILE --report FILE\` from what it measured. Nothing here is written by hand but the
explanations of goals that are missed, which stand in a file beside this one, \`LIMITS\`. All systems ran
on one machine, one after the other in rounds, each in another order every time. Of each number there is the median of the
rounds, and in parentheses the least and the most.

- Clients of a system are in one process, beside its servers: \`cores\` tells what either takes while it is measured. Where the
  load is close to 1, it is the clients that are measured.
- \`floor\` is no registry but what any of them pays at least: two relays that keep nothing.
- \`rollcall\` is one server of each tier, with clients on the sockets of the floor that do what the protocol demands and no
  more: to be compared with the floor. \`rollcall-3\` is three of each, which replicate, and is used through the SDK: to be
  compared with the other systems. Its 9 processes share the cores with each other, as the 3 of others do.
- Ratios are taken round by round. Of times, more than 1 means slower than what it is compared with; of rates per second, more
  than 1 means faster.
- Where servers are killed, \`leader\` is one whom writes must reach (a data server of Rollcall, the leader of others), \`edge\` one that
  clients are connected to and that decides nothing (a session server, a follower), \`meta\` the leader of Rollcall's meta servers,
  \`calm\` what is usual before a kill, and \`return\` what happens while the killed one comes back. A time is that of the client
  that was hit worst.
- Redis keeps one copy, all others but the floor several; it is there for scale.
`;

/** What was measured, for people. Plots are made by whoever can; `limits` explains, by workload, what is missed. */
export function page(
  results: Results,
  plotOf: (measured: Measured, unit: Unit) => string | undefined,
  plotFolder: string,
  limits: Readonly<Record<string, string>> = {},
): Page {
  const plots: Record<string, string> = {};
  const byHand = `${plotFolder}.limits.md`;
  const parts = [BEGINNING.replace('LIMITS', byHand), aboutMachine(results), aboutSystems(results)];
  parts.push('## Goals', goals(results, limits, byHand));
  for (const [name, measured] of Object.entries(results.workloads)) {
    parts.push(`## ${measured.title}`, aboutRuns(measured, results.machine));
    for (const unit of UNITS) {
      const plot = plotOf(measured, unit);
      if (plot === undefined) continue;
      const file = `${name}${unit === 'ms' ? '' : `-${unit === '/s' ? 'rate' : unit.toLowerCase()}`}.svg`;
      plots[file] = plot;
      parts.push(`![${measured.title}](${plotFolder}/${file})`);
    }
    parts.push(rows(table(measured)));
    const spread = distributions(measured);
    if (spread.length > 0) parts.push('All rounds together:', rows(spread));
    for (const other of ['rollcall-3', 'floor']) {
      const found = ratioTable(measured, other);
      if (found.length > 1) parts.push(rows(found));
    }
    const lacking = Object.entries(measured.without).map(([system, why]) => `- Without ${system}: ${why}.`);
    if (lacking.length > 0) parts.push(lacking.join('\n'));
  }
  return { text: `${parts.join('\n\n')}\n`, plots };
}

/** What stands under each `## name` of a page. */
export function sectionsOf(markdown: string): Record<string, string> {
  const [, ...sections] = markdown.split(/^## /m);
  return Object.fromEntries(
    sections.map((section) => {
      const end = section.indexOf('\n');
      return end < 0 ? [section.trim(), ''] : [section.slice(0, end).trim(), section.slice(end).trim()];
    }),
  );
}

function aboutMachine({ machine }: Results): string {
  return `## The machine\n\n${Object.entries(machine)
    .map(([what, value]) => `- ${what}: ${value}`)
    .join('\n')}`;
}

/** When, from which commit and by which command, and how many rounds there are of whom; on what, where that was another machine. */
function aboutRuns(measured: Measured, machine: Machine): string {
  const counts = new Map<number, string[]>();
  for (const system of systemsOf(measured)) {
    const count = roundsOf(measured, system);
    counts.set(count, [...(counts.get(count) ?? []), system]);
  }
  const rounds = [...counts].map(([count, systems]) => `${count}${counts.size > 1 ? ` of ${systems.join(', ')}` : ''}`);
  const runs = new Map<string, { run: Run; times: number; days: Set<string> }>();
  for (const run of measured.runs) {
    const key = JSON.stringify([run.command, run.commit, run.machine]);
    const known = runs.get(key) ?? { run, times: 0, days: new Set() };
    known.times++;
    known.days.add(run.measuredAt.slice(0, 10));
    runs.set(key, known);
  }
  const lines = [...runs.values()].map(({ run, times, days }) => {
    const isElsewhere = JSON.stringify(run.machine) !== JSON.stringify(machine);
    const where = isElsewhere ? `, on ${Object.values(run.machine).join(', ')}` : '';
    return `- \`${run.command}\`${times > 1 ? ` (${times} times)` : ''}, ${[...days].join(', ')}, commit ${run.commit}${where}`;
  });
  return `Rounds: ${rounds.join('; ')}.\n\n${lines.join('\n')}`;
}

function aboutSystems({ systems, skipped }: Results): string {
  const there = Object.entries(systems).map(([name, { version, setup }]) => `- **${name}** ${version}: ${setup}`);
  const lacking = Object.entries(skipped).map(([name, why]) => `- **${name}** was left out: ${why}`);
  return `## The systems\n\nEach has the settings with which it comes, unless it is said.\n\n${[...there, ...lacking].join('\n')}`;
}

/** All there are, of what was not measured too; below those of a workload, why some are missed. */
function goals({ workloads }: Results, limits: Readonly<Record<string, string>>, byHand: string): string {
  const isOnlyQuick = (entry: Entry): boolean => ENTRIES.usual.includes(entry) && !ENTRIES.full.includes(entry);
  const entries = ENTRIES.all.filter((entry) => entry.name in workloads || !isOnlyQuick(entry));
  const known: (readonly [string, Measured | Entry])[] = entries.map((entry) => [
    entry.name,
    workloads[entry.name] ?? entry,
  ]);
  // A file may have some that nobody plans any more.
  for (const [name, measured] of Object.entries(workloads))
    if (!entries.some((entry) => entry.name === name)) known.push([name, measured]);
  return known
    .flatMap(([name, of]) => {
      const all = judged('rounds' in of ? of : { ...of, rounds: [] });
      if (all.length === 0) return [];
      const explained = limits[name];
      const isExplained = explained !== undefined && explained !== '';
      const isMissed = all.some(({ isMet, reached }) => !isMet && reached !== undefined);
      const lacking = `Not explained yet: that belongs under \`## ${name}\` in [${byHand}](${byHand}).`;
      return [
        `### ${of.title}`,
        rows([['goal', 'measured', ''], ...all.map(goalRow)]),
        ...(isMissed || isExplained ? [isExplained ? explained : lacking] : []),
      ];
    })
    .join('\n\n');
}

function goalRow(goal: Judged): string[] {
  const found = verdict(goal);
  return [goalText(goal), found.reached, found.verdict.replace('MISSED', '**missed**')];
}

function rows([head, ...rest]: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map(() => '---')), ...rest.map(line)].join('\n');
}
