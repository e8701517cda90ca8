import {
  DEFAULT_GROUP,
  DEFAULT_INSTANCE_ID,
  type DataInfoId,
  type Failure,
  LIMITS,
  checkData,
  checkName,
  failure,
  isScope,
  toDataInfoId,
} from '#model';
import { Nesting } from '../nesting.js';
import type { ViewKey } from './contract.js';

/** What the host lends to the edge: the codec of bodies, and ids for those who bring none. */
export interface EdgeContext {
  /** Encodes what `Publication.body` holds. What it throws is answered as BAD_REQUEST. */
  encodeBody(content: Record<string, unknown>): Uint8Array;
  makeRegisterId(): string;
  /** The zone of a client that names none in the message, as its hello may have told. */
  zone?: string;
}

/** The zone of those who name none anywhere. */
export const DEFAULT_ZONE = 'DEFAULT_ZONE';

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Refusals travel as a thrown `Refused` within the edge only, and leave it as a Failure. */
export class Refused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

export function refuse(message: string, field?: string): never {
  throw new Refused(failure('BAD_REQUEST', message, field === undefined ? {} : { details: { field } }));
}

function check(problem: Failure | undefined): void {
  if (problem) throw new Refused(problem);
}

/** Clients in other languages send null for what they leave out. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

export function readName(fields: Fields, field: string, maxBytes?: number): string {
  check(checkName(field, fields[field], maxBytes));
  return fields[field] as string;
}

export function readOptionalName(fields: Fields, field: string, fallback: string, maxBytes?: number): string {
  const value = fields[field];
  return isAbsent(value) || value === fallback ? fallback : readName(fields, field, maxBytes);
}

export function readDataInfoId(fields: Fields): DataInfoId {
  return toDataInfoId({
    dataId: readName(fields, 'dataId'),
    group: readOptionalName(fields, 'group', DEFAULT_GROUP),
    instanceId: readOptionalName(fields, 'instanceId', DEFAULT_INSTANCE_ID),
  });
}

export function readView(fields: Fields, context: EdgeContext): ViewKey {
  const dataInfoId = readDataInfoId(fields);
  const scope = isAbsent(fields['scope']) ? 'dataCenter' : fields['scope'];
  if (!isScope(scope)) throw new Refused(failure('INVALID_SCOPE', undefined, { details: { field: 'scope' } }));
  return { dataInfoId, scope, zone: readZone(fields, context) };
}

export function readZone(fields: Fields, context: EdgeContext): string {
  return readOptionalName(fields, 'zone', context.zone ?? DEFAULT_ZONE);
}

/** A time or a length of time in milliseconds. */
export function readOptionalMs(fields: Fields, field: string, fallback: number): number {
  const value = fields[field];
  if (isAbsent(value)) return fallback;
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    refuse(`${field} must be a whole number of milliseconds.`, field);
  return value as number;
}

const SERVER_FIELDS = new Set([
  ...['op', 'dataId', 'group', 'instanceId', 'registerId', 'zone', 'appName', 'stamp', 'registerTimestamp', 'leaseMs'],
  ...['replay', 'temporary', 'persistent', 'trace'],
]);

/** Pushed once and not stored. */
export function isTemporary(fields: Fields): boolean {
  const temporary = readFlag(fields, 'temporary');
  if (temporary && readFlag(fields, 'persistent'))
    refuse('A publication is temporary or persistent, not both.', 'persistent');
  return temporary;
}

/** Stored until it is removed by command. */
export function isPersistent(fields: Fields): boolean {
  return !isTemporary(fields) && readFlag(fields, 'persistent');
}

export function readFlag(fields: Fields, field: string): boolean {
  const value = fields[field];
  if (isAbsent(value) || value === false) return false;
  if (value !== true) refuse(`${field} must be true or false.`, field);
  return true;
}

/** The body holds `data` and every field that servers do not know, so that newer clients can add some. */
export function readBody(fields: Fields, context: EdgeContext): Uint8Array {
  check(checkData(fields['data']));
  const content = Object.fromEntries(Object.entries(fields).filter(([field]) => !SERVER_FIELDS.has(field)));
  const nesting = new Nesting(content);
  check(nesting.depthProblem);
  let body: Uint8Array;
  try {
    body = context.encodeBody(content);
  } catch (error) {
    refuse(`The publication cannot be encoded: ${String(error)}`);
  }
  if (body.byteLength > LIMITS.bodyBytes)
    check(
      failure(
        'DATA_TOO_LARGE',
        `The publication has ${body.byteLength} bytes encoded; at most ${LIMITS.bodyBytes} are allowed.`,
      ),
    );
  check(nesting.problemIn(body.byteLength));
  return body;
}
