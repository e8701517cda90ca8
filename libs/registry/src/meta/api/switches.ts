import {
  LIMITS,
  type PublicationName,
  type PushStop,
  type PushWindow,
  RegistryError,
  SEPARATOR,
  SWITCH_LEVELS,
  type Switches,
  checkName,
  parseDataInfoId,
} from '#model';
import type { MetaState } from '../contract.js';
import { check, readCount, readFields, refuse } from './input.js';

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
  clientsOff: (value, lent) => readAddresses('clientsOff', readList('clientsOff', value), lent),
  publicationsOff: readPublications,
  blacklist: readBlacklist,
  pushWindow: readPushWindow,
};

/**
 * Older servers would store, and not heed, a switch that they do not know. The level never falls, so whoever has seen it
 * may propose.
 * @throws RegistryError UNSUPPORTED_LEVEL
 */
export function requireSwitchLevel({ featureLevel }: MetaState, changes: Partial<Switches>): void {
  for (const name of Object.keys(changes) as (keyof Switches)[]) {
    const needed = SWITCH_LEVELS[name] ?? 1;
    if (featureLevel >= needed) continue;
    const message = `The switch ${name} needs feature level ${needed}, and the cluster is at ${featureLevel}: some of its servers are of an older version.`;
    throw new RegistryError('UNSUPPORTED_LEVEL', message, { details: { needed, featureLevel } });
  }
}

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
  const field = `stopPush.${list}`;
  const given = rest[list];
  if (!Array.isArray(given) || given.length === 0) refuse(`${field} must be a list that is not empty.`, field);
  const entries = readList(field, given);
  return {
    scope,
    [list]: list === 'zones' ? ordered(entries) : readAddresses(field, entries, lent),
  } as unknown as PushStop;
}

function readPushWindow(value: unknown): PushWindow {
  const fields = readFields(value, 'pushWindow', ['minMs', 'maxMs']);
  const window = Object.fromEntries(
    Object.entries(fields).map(([name, ms]) => [name, readCount(`pushWindow.${name}`, ms)]),
  ) as PushWindow;
  const { minMs = 0, maxMs = LIMITS.pushWindowMs } = window;
  if (Math.max(minMs, maxMs) > LIMITS.pushWindowMs)
    refuse(`pushWindow has no more than ${LIMITS.pushWindowMs} ms.`, 'pushWindow');
  if (minMs > maxMs) refuse('pushWindow.minMs must not be above pushWindow.maxMs.', 'pushWindow.minMs');
  // In one order, so that what means the same is the same.
  return { ...('minMs' in window ? { minMs } : {}), ...('maxMs' in window ? { maxMs } : {}) };
}

function readPublications(value: unknown): PublicationName[] {
  const names = readArray('publicationsOff', value).map((each): PublicationName => {
    const { dataInfoId, registerId } = readFields(each, 'An entry of publicationsOff', ['dataInfoId', 'registerId']);
    check(checkName('registerId', registerId, LIMITS.registerIdBytes));
    if (typeof dataInfoId !== 'string' || !isDataInfoId(dataInfoId))
      refuse(`dataInfoId must be one as answers tell it, dataId${SEPARATOR}instanceId${SEPARATOR}group.`, 'dataInfoId');
    return { dataInfoId, registerId: registerId as string };
  });
  const byText = new Map(names.map((name) => [JSON.stringify(name), name]));
  return ordered([...byText.keys()]).map((text) => byText.get(text)!);
}

/** dataIds and dataInfoIds, which no dataId can be taken for. */
function readBlacklist(value: unknown): string[] {
  const names = readArray('blacklist', value);
  for (const name of names) if (typeof name !== 'string' || !isDataInfoId(name)) check(checkName('blacklist', name));
  return ordered(names as string[]);
}

function isDataInfoId(text: string): boolean {
  const name = parseDataInfoId(text);
  return name !== undefined && Object.entries(name).every(([field, part]) => checkName(field, part) === undefined);
}

function readList(field: string, value: unknown): string[] {
  const entries = readArray(field, value);
  for (const entry of entries) check(checkName(field, entry));
  return entries as string[];
}

function readArray(field: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) return refuse(`${field} must be a list.`, field);
  if (value.length > LIMITS.switchEntries)
    refuse(`${field} has ${value.length} entries; at most ${LIMITS.switchEntries} are allowed.`, field);
  return value;
}

function readAddresses(field: string, entries: string[], { canonicalAddress }: SwitchReader): string[] {
  const read = (text: string): string =>
    canonicalAddress(text) ??
    refuse(`${text} is no IP address. Clients are named by the address they connect from, without a port.`, field);
  return ordered(entries.map(read));
}

/** In one order and without repetitions, so that what means the same is the same. */
function ordered(entries: string[]): string[] {
  return [...new Set(entries)].toSorted();
}
