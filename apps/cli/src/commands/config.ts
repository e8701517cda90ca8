import { readFile } from 'node:fs/promises';
import { RegistryError } from '#model';
import { CliFailure } from '../failures.js';
import { bytes, counted } from '../output/duration.js';
import { harmless } from '../output/paint.js';
import { table } from '../output/table.js';
import type { Changed } from '../servers/answers.js';
import type { Run } from '../run.js';
import { type AddCommands, addCommand, addGroup, countOption } from './command.js';
import { follow } from './watch.js';

interface Value {
  key: string;
  value?: string;
  version: number;
}

interface Keys {
  version: number;
  bytes: number;
  values: { key: string; version: number; bytes: number }[];
}

interface Expecting {
  expectedVersion?: number;
}

const EXPECTED = '--expected-version <version>';

export const addConfig: AddCommands = (parent, tasks) => {
  const root = addGroup(parent, 'config', {
    description: 'Small values that the cluster keeps for its clients; and the settings file of servers.',
    examples: ['rollcall config list', 'rollcall config set flags on', 'rollcall config check FILE'],
  });
  addCommand(root, tasks, 'list', {
    description: 'The keys, with the version and size of each value.',
    examples: ['rollcall config list --json'],
    does: list,
  });
  addCommand(root, tasks, 'get', {
    description: 'A value, printed as it is.',
    takes: ['<key>'],
    examples: ['rollcall config get flags', 'rollcall config get flags --json'],
    does: get,
  });
  addCommand(root, tasks, 'set', {
    description: 'Sets a value. Clients that watch the key are told at once.',
    takes: ['<key>', ['<value>', 'the value; @FILE for what is in a file, - for what comes in']],
    options: [countOption(EXPECTED, 'only if the value has this version; 0 where there is none')],
    examples: ['rollcall config set flags on', 'rollcall config set routes @routes.json'],
    does: set,
  });
  addCommand(root, tasks, 'delete', {
    description: 'Deletes a value. Also a success where there is none.',
    takes: ['<key>'],
    options: [countOption(EXPECTED, 'only if the value has this version')],
    examples: ['rollcall config delete flags'],
    does: remove,
  });
  addCommand(root, tasks, 'watch', {
    description: 'Shows a value now and with every change, until Ctrl-C.',
    takes: ['<key>'],
    options: [countOption('--count <number>', 'end after so many')],
    examples: ['rollcall config watch flags'],
    does: watch,
  });
  addCommand(root, tasks, 'check', {
    description: 'Checks a settings file as the servers do when they start. Needs no server.',
    takes: ['<file>'],
    examples: ['rollcall config check rollcall.yaml'],
    does: check,
  });
};

const pathOf = (key: string): string => `/v1/config/${encodeURIComponent(key)}`;

async function list(run: Run): Promise<void> {
  const keys = await (await run.cluster.meta()).get<Keys>('/v1/config');
  run.print(keys, () => [
    ...table(
      run.paint,
      ['KEY', 'VERSION', 'SIZE'],
      keys.values.map(({ key, version, bytes: size }) => [key, version, bytes(size)]),
    ),
    '',
    `${counted(keys.values.length, 'value')}, ${bytes(keys.bytes)}`,
  ]);
}

async function get(run: Run, key: string): Promise<void> {
  const value = await (await run.cluster.meta()).get<Value>(pathOf(key));
  if (run.isJson) return run.print(value, () => []);
  const text = value.value ?? '';
  if (run.terminal.outIsTty) run.terminal.out(`${harmlessLines(text)}\n`);
  // What reads it from a pipe gets what is there, and nothing else.
  else run.terminal.out(text);
}

async function set(run: Run, key: string, given: string, { expectedVersion }: Expecting): Promise<void> {
  const value = await contentOf(run, given);
  const meta = await run.cluster.meta();
  const answer = await meta.change<Changed>('PUT', pathOf(key), { value }, { expectedVersion });
  run.print(answer, () => [changeLine(key, answer, 'set')]);
}

async function contentOf(run: Run, given: string): Promise<string> {
  if (given === '-') return run.terminal.readStdin();
  if (!given.startsWith('@')) return given;
  return readFile(given.slice(1), 'utf8').catch((error: Error) => {
    throw new CliFailure(`The file cannot be read: ${error.message}.`);
  });
}

async function remove(run: Run, key: string, { expectedVersion }: Expecting): Promise<void> {
  const meta = await run.cluster.meta();
  const answer = await meta.change<Changed>('DELETE', pathOf(key), undefined, { expectedVersion });
  run.print(answer, () => [changeLine(key, answer, 'deleted')]);
}

function changeLine(key: string, { changed, version }: Changed, done: string): string {
  return changed ? `${key} ${done}, version ${version}` : `${key}: that is how it was, version ${version}`;
}

async function watch(run: Run, key: string, { count }: { count?: number }): Promise<void> {
  const take = (value: Value): void =>
    run.printNext(value, () => [
      `${run.paint('dim', `version ${value.version}`)}  ${value.value === undefined ? run.paint('dim', 'no value') : harmlessLines(value.value)}`,
    ]);
  await follow(run, `${pathOf(key)}/watch`, new URLSearchParams(), ({ data }) => take(data as Value), count);
}

function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

/** With the variables of this environment, as a server that is started in it would take it. Loaded only here: it brings all that servers consist of. */
async function check(run: Run, file: string): Promise<void> {
  const { loadConfig } = await import('#nest');
  try {
    loadConfig('meta', { argv: ['--config', file] });
  } catch (error) {
    if (error instanceof RegistryError) throw new CliFailure(`${file} is not valid: ${error.message}`);
    throw error;
  }
  run.print({ file, valid: true }, () => [`${file} is valid`]);
}
