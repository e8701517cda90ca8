import {
  type Failure,
  LIMITS,
  PROTOCOL_VERSION,
  type Stamp,
  failure,
  isStamp,
  parseLeasedRegisterId,
  parsePersistentRegisterId,
  parseVersion,
} from '#model';
import { parseViewHash } from '../view-hash.js';
import { readCanonicalId } from './canonical-id.js';
import type { SessionOperation, SessionRequest, SubscriberBase } from './contract.js';
import {
  type EdgeContext,
  type Fields,
  Refused,
  isAbsent,
  isFields,
  isPersistent,
  isTemporary,
  readBody,
  readDataInfoId,
  readFlag,
  readName,
  readOptionalMs,
  readOptionalName,
  readView,
  readZone,
  refuse,
} from './fields.js';

export type { EdgeContext } from './fields.js';
export { DEFAULT_ZONE } from './fields.js';

/** `single` tells that the client sent one operation, and is answered its one result instead of a list. */
export type Parsed = { ok: true; request: SessionRequest; single: boolean } | { ok: false; failure: Failure };

/** Validates what a client sent under a `registry.*` pattern. Never throws, whatever the payload is. */
export function parseClientMessage(pattern: string, payload: unknown, context: EdgeContext): Parsed {
  const parser = Object.hasOwn(PARSERS, pattern) ? PARSERS[pattern] : undefined;
  if (!parser) return { ok: false, failure: failure('UNKNOWN_PATTERN') };
  return parsing(payload, (fields) => parser(fields, context), pattern in SINGLE);
}

/** The body of `POST /v1/publishers`. */
export function parseLeasedPublish(body: unknown, context: EdgeContext): Parsed {
  return parsing(body, (fields) => {
    if (isTemporary(fields)) return readAnnouncement(fields, context);
    const dataInfoId = readDataInfoId(fields);
    const owner = readOwner(fields);
    const publication = {
      registerId: readCanonicalId(fields, dataInfoId, owner.kind, context.makeRegisterId),
      dataInfoId,
      zone: readZone(fields, context),
      appName: readOptionalName(fields, 'appName', ''),
      registerTimestamp: readOptionalMs(fields, 'registerTimestamp', 0),
      owner,
      body: readBody(fields, context),
    };
    const trace = readTrace(fields);
    if (owner.kind === 'persistent') return { kind: 'persistentPublish', publication, ...trace };
    return { kind: 'leasedPublish', publication, replay: fields['replay'] === true, ...trace };
  });
}

function readOwner(fields: Fields): { kind: 'leased'; leaseMs: number } | { kind: 'persistent' } {
  if (isPersistent(fields)) {
    if (!isAbsent(fields['leaseMs'])) refuse('A persistent publication has no lease.', 'leaseMs');
    return { kind: 'persistent' };
  }
  const leaseMs = readOptionalMs(fields, 'leaseMs', LIMITS.defaultLeaseMs);
  if (leaseMs < LIMITS.minLeaseMs || leaseMs > LIMITS.maxLeaseMs)
    refuse(`leaseMs must be from ${LIMITS.minLeaseMs} to ${LIMITS.maxLeaseMs}.`, 'leaseMs');
  return { kind: 'leased', leaseMs };
}

/** The registerId in the path of `PUT .../lease` and `DELETE`. One of another form was never given out. */
export function parseLeasedId(registerId: string, kind: 'renew' | 'leasedUnpublish'): Parsed {
  const isShort = registerId.length <= LIMITS.registerIdBytes;
  const leased = isShort ? parseLeasedRegisterId(registerId) : undefined;
  if (leased) return { ok: true, request: { kind, registerId, dataInfoId: leased.dataInfoId }, single: true };
  const persistent = isShort && kind === 'leasedUnpublish' ? parsePersistentRegisterId(registerId) : undefined;
  if (!persistent)
    return { ok: false, failure: failure('NOT_REGISTERED', 'No publication has a registerId like this.') };
  const { dataInfoId } = persistent;
  return { ok: true, request: { kind: 'persistentUnpublish', registerId, dataInfoId }, single: true };
}

function parsing(payload: unknown, read: (fields: Fields) => SessionRequest, single = true): Parsed {
  try {
    if (!isFields(payload)) refuse('The payload must be an object.');
    return { ok: true, request: read(payload), single };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, failure: error.failure };
    // A payload can hold what fails on being read, such as a getter that throws; the fault is the sender's.
    return { ok: false, failure: failure('BAD_REQUEST', `The payload cannot be read: ${String(error)}`) };
  }
}

const SINGLE: Record<string, true> = { 'registry.publish': true, 'registry.unpublish': true };

const PARSERS: Record<string, (fields: Fields, context: EdgeContext) => SessionRequest> = {
  'registry.hello': (fields, context) => {
    if (!Number.isSafeInteger(fields['protocol'])) refuse('protocol must be a number.', 'protocol');
    if (fields['protocol'] !== PROTOCOL_VERSION)
      throw new Refused(failure('UNSUPPORTED_PROTOCOL', undefined, { details: { supported: [PROTOCOL_VERSION] } }));
    const clusterId = readOptionalName(fields, 'clusterId', '');
    const encodings = readEncodings(fields['encodings']);
    return {
      kind: 'hello',
      appName: readOptionalName(fields, 'appName', ''),
      zone: readZone(fields, context),
      ...(clusterId === '' ? {} : { clusterId }),
      ...(encodings.length > 0 ? { encodings } : {}),
      ...(readFlag(fields, 'waited') ? { waited: true } : {}),
    };
  },
  'registry.apply': (fields, context) => {
    const operations = fields['operations'];
    if (!Array.isArray(operations)) refuse('operations must be a list.', 'operations');
    if (operations.length > LIMITS.operationsPerApply)
      refuse(`There are ${operations.length} operations; at most ${LIMITS.operationsPerApply} are allowed.`);
    return { kind: 'apply', operations: operations.map((operation) => readOperation(operation, context)) };
  },
  'registry.publish': (fields, context) =>
    isTemporary(fields)
      ? readAnnouncement(fields, context)
      : { kind: 'apply', operations: [readPublish(fields, context)] },
  'registry.unpublish': (fields) => ({ kind: 'apply', operations: [readUnpublish(fields)] }),
  'registry.query': (fields, context) => ({ kind: 'query', ...readView(fields, context) }),
  'registry.subscribe': (fields, context) => {
    const base = readBase(fields['base']);
    return {
      kind: 'subscribe',
      subscriptionId: readName(fields, 'subscriptionId'),
      ...readView(fields, context),
      ...(base ? { base } : {}),
      ...(readFlag(fields, 'deltas') ? { deltas: true } : {}),
      ...(readFlag(fields, 'acks') ? { acks: true } : {}),
    };
  },
  'registry.watch': (fields) => {
    const base = readConfigBase(fields['base']);
    return {
      kind: 'watch',
      subscriptionId: readName(fields, 'subscriptionId'),
      key: readName(fields, 'key'),
      ...(base ? { base } : {}),
    };
  },
  'registry.unsubscribe': (fields) => ({ kind: 'unsubscribe', subscriptionId: readName(fields, 'subscriptionId') }),
  'registry.ack': (fields) => {
    const version = fields['version'];
    if (typeof version !== 'string') refuse('version must be a string.', 'version');
    const refused = readFlag(fields, 'refused') ? { refused: true } : {};
    return { kind: 'ack', subscriptionId: readName(fields, 'subscriptionId'), version, ...refused };
  },
  'registry.heartbeat': () => ({ kind: 'heartbeat' }),
  'registry.goodbye': () => ({ kind: 'goodbye' }),
};

/** One bad operation of an `apply` fails alone. */
function readOperation(value: unknown, context: EdgeContext): SessionOperation {
  try {
    if (!isFields(value)) refuse('An operation must be an object.');
    if (isTemporary(value)) refuse('A temporary publication is published by itself, not in a list.', 'temporary');
    if (value['op'] === 'publish') return readPublish(value, context);
    if (value['op'] === 'unpublish') return readUnpublish(value);
    return refuse('op must be publish or unpublish.', 'op');
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const registerId = isFields(value) && typeof value['registerId'] === 'string' ? value['registerId'] : '';
    return { op: 'refused', registerId, failure: error.failure };
  }
}

function readPublish(fields: Fields, context: EdgeContext): SessionOperation {
  const stamp = readStamp(fields);
  const dataInfoId = readDataInfoId(fields);
  const persistent = isPersistent(fields);
  if (persistent && stamp) refuse('A persistent publication is stamped by the server.', 'stamp');
  return {
    op: 'publish',
    registerId: persistent
      ? readCanonicalId(fields, dataInfoId, 'persistent', context.makeRegisterId)
      : readOwnId(fields, context),
    dataInfoId,
    zone: readZone(fields, context),
    appName: readOptionalName(fields, 'appName', ''),
    registerTimestamp: readOptionalMs(fields, 'registerTimestamp', stamp?.[0] ?? 0),
    stamp,
    body: readBody(fields, context),
    replay: fields['replay'] === true,
    ...(persistent ? { persistent } : {}),
    ...readTrace(fields),
  };
}

/** Those of persistent publications are not for others, which would replace them and then leave with their connection. */
function readOwnId(fields: Fields, context: EdgeContext): string {
  if (isAbsent(fields['registerId'])) return context.makeRegisterId();
  const registerId = readName(fields, 'registerId');
  if (parsePersistentRegisterId(registerId)) refuse('registerId is that of a persistent publication.', 'registerId');
  return registerId;
}

function readAnnouncement(fields: Fields, context: EdgeContext): SessionRequest {
  if (readFlag(fields, 'trace')) refuse('What is temporary has no version to be traced.', 'trace');
  return {
    kind: 'announce',
    publication: {
      registerId: isAbsent(fields['registerId']) ? context.makeRegisterId() : readName(fields, 'registerId'),
      dataInfoId: readDataInfoId(fields),
      zone: readZone(fields, context),
      appName: readOptionalName(fields, 'appName', ''),
      registerTimestamp: readOptionalMs(fields, 'registerTimestamp', 0),
      body: readBody(fields, context),
    },
  };
}

function readUnpublish(fields: Fields): SessionOperation {
  const registerId = readName(fields, 'registerId', LIMITS.registerIdBytes);
  const dataInfoId = readDataInfoId(fields);
  const isPersistentId = parsePersistentRegisterId(registerId)?.dataInfoId === dataInfoId;
  return {
    op: 'unpublish',
    registerId,
    dataInfoId,
    stamp: readStamp(fields),
    ...(isPersistentId ? { persistent: true } : {}),
  };
}

function readTrace(fields: Fields): { trace?: true } {
  return readFlag(fields, 'trace') ? { trace: true } : {};
}

function readStamp(fields: Fields): Stamp | null {
  const stamp = fields['stamp'];
  if (isAbsent(stamp)) return null;
  if (!isStamp(stamp)) refuse('stamp must be three whole numbers: timestamp, version, nonce.', 'stamp');
  return [stamp[0], stamp[1], stamp[2]];
}

/** A base that is not one of ours is as good as none: the client is sent everything. */
function readBase(value: unknown): SubscriberBase | undefined {
  if (!isFields(value) || typeof value['clusterId'] !== 'string' || typeof value['version'] !== 'string')
    return undefined;
  const version = parseVersion(value['version']);
  const hash = parseViewHash(value['hash']);
  return version && { clusterId: value['clusterId'], version, ...(hash ? { hash } : {}) };
}

function readConfigBase(value: unknown): { clusterId: string; version: number } | undefined {
  if (!isFields(value)) return undefined;
  const { clusterId, version } = value;
  return typeof clusterId === 'string' && Number.isSafeInteger(version)
    ? { clusterId, version: version as number }
    : undefined;
}

/** Those that this version does not know are as good as none. */
function readEncodings(value: unknown): string[] {
  return Array.isArray(value) && value.includes('gzip') ? ['gzip'] : [];
}
