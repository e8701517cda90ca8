import { type Failure, failure } from './errors.js';
import { LIMITS } from './limits.js';

export const DEFAULT_GROUP = 'DEFAULT_GROUP';
export const DEFAULT_INSTANCE_ID = 'DEFAULT_INSTANCE_ID';
export const SEPARATOR = '#@#';

/** The three names whose combination is published and subscribed to. */
export interface DataName {
  dataId: string;
  group: string;
  instanceId: string;
}

/** `dataId#@#instanceId#@#group`. */
export type DataInfoId = string;

export function toDataInfoId(name: DataName): DataInfoId {
  return `${name.dataId}${SEPARATOR}${name.instanceId}${SEPARATOR}${name.group}`;
}

export function parseDataInfoId(dataInfoId: DataInfoId): DataName | undefined {
  const parts = dataInfoId.split(SEPARATOR);
  if (parts.length !== 3) return undefined;
  const [dataId, instanceId, group] = parts as [string, string, string];
  return dataId && instanceId && group ? { dataId, group, instanceId } : undefined;
}

/** The data center of a cluster whose settings name none. */
export const DEFAULT_DATA_CENTER = 'DEFAULT_DATA_CENTER';

/**
 * How much a subscriber sees: what is published in its zone, in the data center of its cluster, or anywhere. A cluster is in
 * one data center, and knows of no other, so the last two are the same for now.
 */
export type Scope = 'zone' | 'dataCenter' | 'global';
export const SCOPES: readonly Scope[] = ['zone', 'dataCenter', 'global'];

export function isScope(value: unknown): value is Scope {
  return SCOPES.includes(value as Scope);
}

/** The length of a string in UTF-8 bytes, without encoding it. A lone surrogate counts as its replacement, 3 bytes. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Why `value` cannot be a name, or undefined when it can. `field` is the name of the field, for the message. */
export function checkName(field: string, value: unknown, maxBytes: number = LIMITS.nameBytes): Failure | undefined {
  const details = { field };
  if (typeof value !== 'string' || value === '')
    return failure('INVALID_NAME', `${field} must be a string that is not empty.`, { details });
  if (CONTROL.test(value)) return failure('INVALID_NAME', `${field} holds a control character.`, { details });
  if (value.includes(SEPARATOR))
    return failure('INVALID_NAME', `${field} holds the separator ${SEPARATOR}.`, { details });
  // Joined with its neighbours, such a name could be read as two others: 'a#@' + 'b' and 'a' + '@#b' look the same.
  if (value.startsWith('@#') || value.endsWith('#@'))
    return failure('INVALID_NAME', `${field} must not begin with @# or end with #@.`, { details });
  const bytes = utf8Bytes(value);
  if (bytes > maxBytes)
    return failure('INVALID_NAME', `${field} has ${bytes} bytes; at most ${maxBytes} are allowed.`, { details });
  return undefined;
}

/** Why `value` cannot be the data of a publication, or undefined when it can. */
export function checkData(value: unknown): Failure | undefined {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    return failure('BAD_REQUEST', 'data must be a list of strings.', { details: { field: 'data' } });
  if (value.length > LIMITS.dataStrings)
    return failure('DATA_TOO_LARGE', `data has ${value.length} strings; at most ${LIMITS.dataStrings} are allowed.`);
  let bytes = 0;
  for (const item of value as string[]) bytes += utf8Bytes(item);
  if (bytes > LIMITS.dataBytes)
    return failure('DATA_TOO_LARGE', `data has ${bytes} bytes; at most ${LIMITS.dataBytes} are allowed.`);
  return undefined;
}
