import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Run, Tasks } from '../run.js';
import { parseDuration } from '../output/duration.js';

/** Adds one command, or several that belong together, to those there are. */
export type AddCommands = (parent: Command, tasks: Tasks) => void;

/** What a command is told to be, all of which its help tells. */
export interface Told {
  description: string;
  examples: readonly string[];
}

export interface ToldOfOne<Arguments extends unknown[]> extends Told {
  /** As commander writes them, such as `<node>` or `[names...]`; with a description where the name does not say it. */
  takes?: readonly (string | readonly [name: string, description: string])[];
  options?: readonly Option[];
  does: (run: Run, ...args: Arguments) => Promise<void>;
}

/** Several commands that belong together, under one word. */
export function addGroup(parent: Command, name: string, { description, examples: lines }: Told): Command {
  return parent
    .command(name)
    .helpCommand(false)
    .description(description)
    .addHelpText('after', examples(...lines));
}

/** @param told what it does is given its arguments, and then its options, as commander has them */
export function addCommand<Arguments extends unknown[]>(
  parent: Command,
  tasks: Tasks,
  name: string,
  { description, takes = [], options = [], examples: lines, does }: ToldOfOne<Arguments>,
): Command {
  const command = parent.command(name).description(description);
  for (const each of takes) {
    const [argument, meaning] = typeof each === 'string' ? [each] : each;
    command.argument(argument, meaning);
  }
  for (const option of options) command.addOption(option);
  return command.addHelpText('after', examples(...lines)).action(tasks.of(does));
}

/** An option without a value, or with one that is taken as it is. */
export function option(flags: string, description: string): Option {
  return new Option(flags, description);
}

/** An option with a whole number. */
export function countOption(flags: string, description: string, byDefault?: number): Option {
  return new Option(flags, description).argParser(readCount).default(byDefault);
}

/** For how long something may take. */
export function waitOption(description: string, byDefaultMs: number): Option {
  return new Option('--wait <duration>', description).argParser(readDuration).default(byDefaultMs);
}

/** Of the help of a command, behind its options. */
export function examples(...lines: string[]): string {
  return ['', lines.length === 1 ? 'Example:' : 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n');
}

/** @throws InvalidArgumentError */
export function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('It is a duration such as 500ms, 30s, 5m or 1h.');
  return ms;
}

/** @throws InvalidArgumentError */
export function readCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}
