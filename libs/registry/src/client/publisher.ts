import {
  type ClientOperation,
  type DataInfoId,
  DEFAULT_GROUP,
  DEFAULT_INSTANCE_ID,
  type DataName,
  type Failure,
  LIMITS,
  type Random,
  type Stamp,
  checkData,
  checkName,
  failure,
  randomId,
  randomUint32,
  toDataInfoId,
  utf8Bytes,
} from '#model';
import { Nesting } from '../nesting.js';
import type { Registration } from './contract.js';

/** A call of the application that ends when the change it made is acknowledged. */
export interface PendingCall {
  call: number;
  change: number;
}

/**
 * One registration as the client holds it: what the application wants (`live`, `data`, counted by `change`) and how
 * much of it the servers have been told.
 */
export interface Publisher {
  readonly number: number;
  readonly registerId: string;
  readonly name: DataName;
  readonly dataInfoId: DataInfoId;
  readonly registration: Registration;
  readonly registerTimestamp: number;
  /**
   * The highest stamp sent or held against us. Every send raises the version first, so that one stamp is only ever
   * sent over one connection (invariant 1); the nonce is this publisher's for life.
   */
  stamp: Stamp;
  live: boolean;
  data: string[];
  /** Bytes of the operation, roughly. */
  bytes: number;
  change: number;
  calls: PendingCall[];
  /** The change that is to be traced, until it is acknowledged. */
  traced?: number | undefined;
  /** What the operation in flight carries. At most one is in flight, so that answers need no order. */
  sent?: { change: number; live: boolean; data: string[]; replay: boolean };
  /** A newer stamp was reported while an operation was in flight. */
  resend: boolean;
  /** What was acknowledged last; undefined until the first acknowledgement. */
  acknowledged?: { change: number; data: string[] };
  /**
   * A registry that is read-only refuses what is new to it, which over a new connection is everything: it is then told
   * what was acknowledged before, as the repetition that it is, so that at least this stays. `done` from when anything
   * is acknowledged over the connection.
   */
  replay: 'possible' | 'due' | 'done';
  /** Set after a whole batch was refused: travels alone, so that the fault of one is not the fault of others. */
  alone: boolean;
  retries: number;
  /** When it may be sent again after a refusal; 0 once it was. */
  notBeforeMs: number;
  staleStreak: number;
  staleAtMs: number;
}

export function createPublisher(
  number: number,
  registration: Registration,
  wallMs: number,
  random: Random,
): Publisher | Failure {
  const fault = checkRegistration(registration);
  if (fault) return fault;
  const { dataId, group = DEFAULT_GROUP, instanceId = DEFAULT_INSTANCE_ID } = registration;
  const name = { dataId, group, instanceId };
  const registerTimestamp = Number.isFinite(wallMs) ? Math.max(0, Math.trunc(wallMs)) : 0;
  return {
    number,
    registerId: registration.registerId ?? randomId(random),
    name,
    dataInfoId: toDataInfoId(name),
    registration,
    registerTimestamp,
    stamp: [registerTimestamp, 0, randomUint32(random)],
    live: true,
    data: registration.data,
    bytes: bytesOf(registration.data, registration.attributes),
    change: 1,
    ...(registration.trace === true ? { traced: 1 } : {}),
    calls: [],
    resend: false,
    replay: 'possible',
    alone: false,
    retries: 0,
    notBeforeMs: 0,
    staleStreak: 0,
    staleAtMs: -Infinity,
  };
}

/** Why the registration cannot be made, judged before it costs anybody a round trip or a batch its other operations. */
function checkRegistration(registration: Registration): Failure | undefined {
  return (
    checkName('dataId', registration.dataId) ??
    checkOptional('group', registration.group) ??
    checkOptional('instanceId', registration.instanceId) ??
    checkOptional('zone', registration.zone) ??
    checkOptional('appName', registration.appName) ??
    checkOptional('registerId', registration.registerId) ??
    checkData(registration.data) ??
    checkAttributes(registration.attributes)
  );
}

function checkOptional(field: string, value: unknown): Failure | undefined {
  return value === undefined ? undefined : checkName(field, value);
}

function checkAttributes(attributes: unknown): Failure | undefined {
  if (attributes === undefined) return undefined;
  const details = { field: 'attributes' };
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes))
    return failure('BAD_REQUEST', 'attributes must be an object.', { details });
  try {
    if (utf8Bytes(JSON.stringify(attributes)) > LIMITS.dataBytes)
      return failure('DATA_TOO_LARGE', `attributes exceed ${LIMITS.dataBytes} bytes.`, { details });
  } catch {
    return failure('BAD_REQUEST', 'attributes must be plain data.', { details });
  }
  // A server could not read the message that brings it, and would hang up, again and again.
  return new Nesting({ attributes }).depthProblem;
}

export function bytesOf(data: readonly string[], attributes: Record<string, unknown> | undefined): number {
  let bytes = 512 + (attributes === undefined ? 0 : JSON.stringify(attributes).length * 3);
  for (const item of data) bytes += item.length * 3 + 5;
  return bytes;
}

/** The next operation of a publisher, under a stamp never used before. */
export function nextOperation(publisher: Publisher): ClientOperation {
  const [timestamp, version, nonce] = publisher.stamp;
  const stamp: Stamp = [timestamp, version + 1, nonce];
  publisher.stamp = stamp;
  const { registration, registerId, name, live, registerTimestamp, acknowledged } = publisher;
  const replay = live && publisher.replay === 'due';
  const { change, data } = replay ? acknowledged! : publisher;
  publisher.sent = { change, live, data, replay };
  publisher.resend = false;
  publisher.notBeforeMs = 0;
  if (!live) return { op: 'unpublish', ...name, registerId, stamp };
  return {
    op: 'publish',
    ...name,
    registerId,
    ...(registration.zone === undefined ? {} : { zone: registration.zone }),
    ...(registration.appName === undefined ? {} : { appName: registration.appName }),
    data,
    stamp,
    registerTimestamp,
    ...(replay ? { replay } : {}),
    ...(change === publisher.traced ? { trace: true } : {}),
    ...(registration.attributes === undefined ? {} : { attributes: registration.attributes }),
  };
}
