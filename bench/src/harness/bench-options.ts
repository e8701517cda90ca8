import { parseArgs } from 'node:util';
import { ENTRIES, type Entry, resized } from './plan.js';

export const HELP = `Measures Rollcall beside the systems that people would use instead, on this machine, in interleaved rounds: the servers of
one system at a time are started, given something to do by a process of its own, and stopped.

  npm run bench [-- options]

  --quick          without registering, in 3 rounds; some minutes for all systems
  --full           also to 10,000 subscribers, with 100,000 publishers, 10,000 idle connections, 10,000 that break at once, as
                   publishers grow, and hundreds of kills: some hours
  --only LIST      some systems: SYSTEMS
  --workload LIST  some workloads: WORKLOADS
  --rounds N       of each workload and system (5; with --quick 3)
  --clients N      that lose their connections at once, in the workloads of that kind
  --kills N        of each kind of server in each round, in the workloads of that kind
  --json           print the results as JSON
  --save FILE      keep the results as JSON, beside those of other workloads and systems that are there
  --add            add the rounds to those in that file, rather than replace those of the same workloads and systems
  --resume         measure only what lacks in that file, up to as many rounds of each
  --minutes N      begin nothing that is likely to take longer than that is left of this time; with --resume, the same
                   command goes on where it ended
  --report FILE    write what is in the file of --save as Markdown, with plots beside it; measures nothing with --rounds 0.
                   Explanations of missed goals are taken from FILE's sibling NAME.limits.md, a "## WORKLOAD" each

Without --save the results of this run alone, and their report, are in bench/results/benchmarks.json and .md.

Systems that are not installed are left out, and the command that installs them is said. floor is two bare relays,
and rollcall one server of each tier with clients on the same sockets, which do what the protocol demands and no more.
rollcall-3 is three of each and replicates, as the other systems do, and is used through its SDK.
`;

/** Each has a socket, in one process. */
const MOST_CLIENTS = 15_000;

export interface Options {
  readonly entries: readonly Entry[];
  readonly systems: readonly string[];
  readonly rounds: number;
  readonly json: boolean;
  readonly save: string | undefined;
  readonly add: boolean;
  readonly resume: boolean;
  /** How long to go on beginning something. */
  readonly minutes: number;
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
      clients: { type: 'string' },
      kills: { type: 'string' },
      add: { type: 'boolean', default: false },
      resume: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, full, json, save, add, resume, report, help } = values;
  if (quick && full) throw new Error('--quick and --full exclude each other.');
  if ((report !== undefined || add || resume) && save === undefined)
    throw new Error('--report, --add and --resume work with the file of --save, which is missing.');
  if (add && resume) throw new Error('--add and --resume exclude each other.');
  const rounds = wholeOf('--rounds', values.rounds, report === undefined ? 1 : 0) ?? (quick ? 3 : 5);
  const clients = wholeOf('--clients', values.clients, 1, MOST_CLIENTS);
  const kills = wholeOf('--kills', values.kills, 1);
  const minutes = wholeOf('--minutes', values.minutes, 1) ?? Infinity;
  // Who names a workload means it, of whatever size.
  const known =
    values.workload !== undefined ? ENTRIES.all : full ? ENTRIES.full : quick ? ENTRIES.quick : ENTRIES.usual;
  const names = chosen('--workload', values.workload, known.map(({ name }) => name)); // prettier-ignore
  return {
    entries: known.filter(({ name }) => names.includes(name)).map((entry) => sized(entry, clients, kills)),
    systems: chosen('--only', values.only, systems),
    ...{ rounds, json, save, add, resume, minutes, report, help },
  };
}

/** Of a run that is told of no file. */
const UNTOLD = { file: 'bench/results/benchmarks.json', report: 'bench/results/benchmarks.md' };

/** Where results are kept, and, if at all, reported. */
export function placesOf({ save, report }: Options): { file: string; report: string | undefined } {
  return save === undefined ? UNTOLD : { file: save, report };
}

export function helpText(systems: readonly string[]): string {
  return HELP.replace('SYSTEMS', systems.join(',')).replace('WORKLOADS', ENTRIES.all.map(({ name }) => name).join(','));
}

/** The command that measures the same, wherever its results are kept. */
export function commandOf(args: readonly string[]): string {
  const measuring = args.filter((arg, i) => {
    const isOfValue = (option: string | undefined): boolean => /^--(save|report|minutes)$/.test(option ?? '');
    return !/^--(save|report|minutes)(=|$)|^--(add|resume|json)$/.test(arg) && !isOfValue(args[i - 1]);
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

/** As it is, unless it is told otherwise. */
function sized(entry: Entry, clients: number | undefined, kills: number | undefined): Entry {
  if (clients === undefined && kills === undefined) return entry;
  return resized(entry, { ...(clients === undefined ? {} : { clients }), ...(kills === undefined ? {} : { kills }) });
}

function wholeOf(option: string, text: string | undefined, least: number, most = Infinity): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most && text.trim() !== '') return value;
  const bounds = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new Error(`${option} must be a whole number ${bounds}, not ${text}.`);
}
