import { parseArgs } from 'node:util';
import type { Simulation } from '../simulation.js';
import type { Seeds } from './run-seeds.js';
import { SIMULATIONS } from './simulations.js';

export const HELP = `Runs many seeds of the simulations: the real cores in virtual time, through random faults, with every promise checked at
every step.

  npm run sim -- [--group] [--registry] [--seeds N] [--seed N] [--workers N] [--trace PATTERN]

  --group          the simulation of one Raft group
  --registry       that of the whole registry, some twenty times slower; without either, both, one after the other
  --seeds N        how many seeds of each (default 200)
  --seed N         the first of them (default 1)
  --workers N      how many run at once (default: one for each processor)
  --trace PATTERN  print what happens, line by line, where it matches the regular expression ('.' for all of it);
                   with --seeds 1, since it tells the story of one seed

A seed that fails is printed together with the command that runs it again, and then goes exactly the same way. A run
says what it has come across, and one of enough seeds that never came across something it is there for fails as well.
`;

export interface Settings {
  simulations: readonly Simulation[];
  seeds: Seeds;
  workers: number;
  trace: RegExp | undefined;
}

/** @throws Error that says what is wrong with them; undefined when only help is wanted */
export function parseSettings(args: string[], processors: number): Settings | undefined {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      workers: { type: 'string' },
      trace: { type: 'string' },
      group: { type: 'boolean' },
      registry: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return undefined;
  const number = (name: 'seeds' | 'seed' | 'workers', otherwise: number, least: number): number => {
    const text = values[name] ?? String(otherwise);
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new Error(`--${name} must be a whole number of at least ${least}, not ${text}.`);
  };
  const chosen = SIMULATIONS.filter(({ name }) => values[name as 'group' | 'registry']);
  const count = number('seeds', 200, 1);
  const workers = number('workers', processors, 1);
  const { trace } = values;
  if (trace !== undefined && count !== 1) throw new Error('--trace tells the story of one seed: give --seeds 1 too.');
  if (trace !== undefined && chosen.length !== 1) throw new Error('--trace needs either --group or --registry.');
  return {
    simulations: chosen.length > 0 ? chosen : SIMULATIONS,
    seeds: { first: number('seed', 1, 0), count },
    workers: Math.min(workers, count),
    trace: trace === undefined ? undefined : new RegExp(trace),
  };
}
