import { UNITS, type Unit } from './plan.js';
import { goalLine, ratioTable, table } from './report.js';
import { type Measured, type Results, judged } from './results.js';

export interface Page {
  readonly text: string;
  /** Of the plots, by the names under which the text shows them. */
  readonly plots: Readonly<Record<string, string>>;
}

const BEGINNING = `# Rollcall beside other registries

Made by \`npm run bench -- --save FILE --report FILE\` from what it measured; nothing here is written by hand. All systems ran
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
- Redis keeps one copy, all others but the floor several; it is there for scale.
`;

/** What was measured, for people. Plots are made by whoever can. */
export function page(
  results: Results,
  plotOf: (measured: Measured, unit: Unit) => string | undefined,
  plotFolder: string,
): Page {
  const plots: Record<string, string> = {};
  const parts = [BEGINNING, aboutMachine(results), aboutSystems(results), '## Goals\n\n' + goals(results)];
  for (const [name, measured] of Object.entries(results.workloads)) {
    parts.push(`## ${measured.title}`);
    parts.push(`\`${measured.command}\`, rounds: ${measured.rounds.length}, ${measured.measuredAt.slice(0, 10)}.`);
    for (const unit of UNITS) {
      const plot = plotOf(measured, unit);
      if (plot === undefined) continue;
      const file = `${name}${unit === 'ms' ? '' : `-${unit === '/s' ? 'rate' : unit.toLowerCase()}`}.svg`;
      plots[file] = plot;
      parts.push(`![${measured.title}](${plotFolder}/${file})`);
    }
    parts.push(rows(table(measured)));
    for (const other of ['rollcall-3', 'floor']) {
      const found = ratioTable(measured, other);
      if (found.length > 1) parts.push(rows(found));
    }
  }
  return { text: `${parts.join('\n\n')}\n`, plots };
}

function aboutMachine({ machine }: Results): string {
  return `## The machine\n\n${Object.entries(machine)
    .map(([what, value]) => `- ${what}: ${value}`)
    .join('\n')}`;
}

function aboutSystems({ systems, skipped }: Results): string {
  const there = Object.entries(systems).map(([name, { version, setup }]) => `- **${name}** ${version}: ${setup}`);
  const lacking = Object.entries(skipped).map(([name, why]) => `- **${name}** was left out: ${why}`);
  return `## The systems\n\nEach has the settings with which it comes, unless it is said.\n\n${[...there, ...lacking].join('\n')}`;
}

function goals({ workloads }: Results): string {
  return Object.values(workloads)
    .flatMap((measured) => [
      `${measured.title}:\n`,
      ...judged(measured).map((goal) => `- ${goalLine(goal).replace('MISSED', '**missed**')}`),
      '',
    ])
    .join('\n');
}

function rows([head, ...rest]: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map(() => '---')), ...rest.map(line)].join('\n');
}
