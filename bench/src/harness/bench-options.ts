import { parseArgs } from 'node:util';
import { ENTRIES, type Entry } from './plan.js';

export const HELP = `Measures Rollcall beside the systems that people would use instead, on this machine, in interleaved rounds: the servers of
one system at a time are started, given something to do by a process of its own, and stopped.

  npm run bench [-- options]

  --quick          without registering, in 3 rounds; some minutes for all systems
  --full           also to 10,000 subscribers, with 100,000 publishers, 10,000 idle connections, and as publishers grow
  --only LIST      some systems: SYSTEMS
  --workload LIST  some workloads: WORKLOADS
  --rounds N       of each workload and system (5; with --quick 3)
  --json           print the results as JSON
  --save FILE      keep the results as JSON, beside those of other workloads that are there
  --add            add the rounds to those of the same workload in that file, rather than replace them
  --report FILE    write what is in the file of --save as Markdown, with plots beside it; measures nothing with --rounds 0

Systems that are not installed are left out, and the command that installs them is said. floor is two bare relays,
and rollcall one server of each tier with clients on the same sockets, which do what the protocol demands and no more.
rollcall-3 is three of each and replicates, as the other systems do, and is used through its SDK.
`;

export interface Options {
  readonly entries: readonly Entry[];
  readonly systems: readonly string[];
  readonly rounds: number;
  readonly json: boolean;
  readonly save: string | undefined;
  readonly add: boolean;
  readonly report: string | undefined;
  readonly help: boolean;
}

/** Throws with what is wrong with them. */
export function optionsOf(args: readonly string[], systems: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      workload: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'boolean', default: false },
      save: { type: 'string' },
      add: { type: 'boolean', default: false },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, full, json, save, add, report, help } = values;
  if (quick && full) throw new Error('--quick and --full exclude each other.');
  if ((report !== undefined || add) && save === undefined)
    throw new Error('--report and --add work with the file of --save, which is missing.');
  const rounds = values.rounds === undefined ? (quick ? 3 : 5) : Number(values.rounds);
  const least = report === undefined ? 1 : 0;
  if (!Number.isInteger(rounds) || rounds < least)
    throw new Error(`--rounds must be a whole number of at least ${least}, not ${values.rounds}.`);
  // Who names a workload means it, of whatever size.
  const known =
    values.workload !== undefined ? ENTRIES.all : full ? ENTRIES.full : quick ? ENTRIES.quick : ENTRIES.usual;
  const names = chosen('--workload', values.workload, known.map(({ name }) => name)); // prettier-ignore
  return {
    entries: known.filter(({ name }) => names.includes(name)),
    systems: chosen('--only', values.only, systems),
    ...{ rounds, json, save, add, report, help },
  };
}

export function helpText(systems: readonly string[]): string {
  return HELP.replace('SYSTEMS', systems.join(',')).replace('WORKLOADS', ENTRIES.all.map(({ name }) => name).join(','));
}

/** The command that measures the same, wherever its results are kept. */
export function commandOf(args: readonly string[]): string {
  const measuring = args.filter((arg, i) => {
    const isOfFile = (option: string | undefined): boolean => option === '--save' || option === '--report';
    return !/^--(save|report)(=|$)|^--(add|json)$/.test(arg) && !isOfFile(args[i - 1]);
  });
  return ['npm run bench', ...(measuring.length > 0 ? ['--', ...measuring] : [])].join(' ');
}

function chosen(option: string, list: string | undefined, known: readonly string[]): readonly string[] {
  if (list === undefined) return known;
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${option} has ${unknown.join(', ')}; it may have ${known.join(', ')}.`);
  return known.filter((name) => names.includes(name));
}
