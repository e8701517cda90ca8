import { LIMITS, type PushStop, type Switches, checkName } from '#model';
import { check, readFields, refuse } from './input.js';

/** What the host lends. */
export interface SwitchReader {
  /** An IP address in the one form in which session servers see it; undefined for what is none. */
  canonicalAddress(text: string): string | undefined;
}

type Readers = { [Name in keyof Switches]-?: (value: unknown, lent: SwitchReader) => Switches[Name] };

/** Every switch there is, and the form of its value. */
const READERS: Readers = {
  stopPush: readPushStop,
  readOnly: (value) => (typeof value === 'boolean' ? value : refuse('readOnly must be true or false.', 'readOnly')),
};

/** @throws RegistryError BAD_REQUEST, INVALID_NAME */
export function readSwitches(value: unknown, lent: SwitchReader): Partial<Switches> {
  const names = Object.keys(READERS) as (keyof Switches)[];
  const advice = ' An expectedVersion belongs into the query.';
  const fields = readFields(value, 'The set of switches', names, advice);
  const given = names.filter((name) => Object.hasOwn(fields, name));
  if (given.length === 0) refuse(`No switch is named; there are ${names.join(', ')}.`);
  return Object.fromEntries(given.map((name) => [name, READERS[name](fields[name], lent)]));
}

/** Which list the scope needs; none for the others. */
const LISTS: Record<PushStop['scope'], 'zones' | 'addresses' | undefined> = {
  none: undefined,
  all: undefined,
  zones: 'zones',
  addresses: 'addresses',
  gray: 'addresses',
};

function readPushStop(value: unknown, lent: SwitchReader): PushStop {
  const { scope, ...rest } = readFields(value, 'stopPush', ['scope', 'zones', 'addresses']);
  if (typeof scope !== 'string' || !Object.hasOwn(LISTS, scope))
    refuse(`stopPush.scope must be one of ${Object.keys(LISTS).join(', ')}.`, 'stopPush.scope');
  const list = LISTS[scope as PushStop['scope']];
  const needless = Object.keys(rest).find((field) => field !== list);
  if (needless !== undefined) refuse(`stopPush with the scope ${scope} has no ${needless}.`, `stopPush.${needless}`);
  if (list === undefined) return { scope } as PushStop;
  const entries = readEntries(`stopPush.${list}`, rest[list]);
  const read = list === 'zones' ? entries : entries.map((entry) => readAddress(entry, lent));
  // In one order and without repetitions, so that what means the same is the same.
  return { scope, [list]: [...new Set(read)].toSorted() } as unknown as PushStop;
}

function readEntries(field: string, value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0) refuse(`${field} must be a list that is not empty.`, field);
  if (value.length > LIMITS.switchEntries)
    refuse(`${field} has ${value.length} entries; at most ${LIMITS.switchEntries} are allowed.`, field);
  for (const entry of value) check(checkName(field, entry));
  return value as string[];
}

function readAddress(text: string, { canonicalAddress }: SwitchReader): string {
  const address = canonicalAddress(text);
  if (address !== undefined) return address;
  return refuse(
    `${text} is no IP address. Clients are named by the address they connect from, without a port.`,
    'stopPush.addresses',
  );
}
