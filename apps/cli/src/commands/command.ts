import { type Command, InvalidArgumentError } from 'commander';
import type { Tasks } from '../run.js';
import { parseDuration } from '../output/duration.js';

/** Adds one command, or several that belong together, to those there are. */
export type AddCommands = (parent: Command, tasks: Tasks) => void;

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
