import {
  type ClientResult,
  type ConfigPush,
  type Failure,
  type Notice,
  type Push,
  type Stamp,
  failure,
  isCode,
  isStamp,
} from '#model';

/**
 * What a server sends is judged here before the rest of the core relies on its form. Each reader gives undefined for
 * what is not of the documented form.
 */
export function readNotice(value: unknown): Notice | undefined {
  if (!isObject(value)) return undefined;
  switch (value['type']) {
    case 'welcome':
      return typeof value['clusterId'] === 'string' ? (value as unknown as Notice) : undefined;
    case 'stale':
      return typeof value['registerId'] === 'string' && isStamp(value['held'])
        ? (value as unknown as Notice)
        : undefined;
    case 'servers':
      return Array.isArray(value['sessions']) ? (value as unknown as Notice) : undefined;
    case 'move':
      return value as unknown as Notice;
    default:
      return undefined;
  }
}

export function readPush(value: unknown): Push | undefined {
  if (!isObject(value)) return undefined;
  if (value['type'] === 'pending') return value as unknown as Push;
  if (typeof value['clusterId'] !== 'string' || typeof value['version'] !== 'string') return undefined;
  if (value['temporary'] !== undefined && !isListOf(value['temporary'], isPublisher)) return undefined;
  switch (value['type']) {
    case 'unchanged':
      return value as unknown as Push;
    case 'snapshot':
      return isListOf(value['publishers'], isPublisher) ? (value as unknown as Push) : undefined;
    case 'partial':
      return isListOf(value['publishers'], isPublisher) && isListOf(value['removed'], isString)
        ? (value as unknown as Push)
        : undefined;
    case 'delta':
      return isListOf(value['publishers'], isPublisher) &&
        isListOf(value['removed'], isString) &&
        isListOf(value['hashes'], isString) &&
        isString(value['from']) &&
        isString(value['hash'])
        ? (value as unknown as Push)
        : undefined;
    default:
      return undefined;
  }
}

export function readConfigPush(value: unknown): ConfigPush | undefined {
  if (!isObject(value) || value['type'] !== 'config' || typeof value['clusterId'] !== 'string') return undefined;
  const isKnown = Number.isSafeInteger(value['version']);
  const isText = value['value'] === undefined || typeof value['value'] === 'string';
  return isKnown && isText ? (value as unknown as ConfigPush) : undefined;
}

/** The results of a `registry.apply` of `count` operations; what is missing or malformed counts as INTERNAL. */
export function readResults(response: unknown, count: number): ClientResult[] {
  const given = isObject(response) && Array.isArray(response['results']) ? (response['results'] as unknown[]) : [];
  return Array.from({ length: count }, (_, index) => readResult(given[index]));
}

function readResult(value: unknown): ClientResult {
  if (isObject(value)) {
    if (value['status'] === 'stored' || value['status'] === 'accepted') return value as unknown as ClientResult;
    if (value['status'] === 'failed') return { status: 'failed', failure: readFailure(value['failure']) };
  }
  return { status: 'failed', failure: failure('INTERNAL', 'The server gave no result for the operation.') };
}

export function readFailure(value: unknown): Failure {
  return isObject(value) && isCode(value['code'])
    ? (value as unknown as Failure)
    : failure('INTERNAL', 'The server answered a failure of unknown form.');
}

/** The stamp a STALE_REGISTRATION names, unless no higher one could be made. */
export function heldStamp(given: Failure): Stamp | undefined {
  const held = given.details?.['held'];
  return isStamp(held) && canExceed(held) ? held : undefined;
}

/** Versions leave room for as many sends as a publisher will ever make. */
export function canExceed(held: Stamp): boolean {
  return Number.isSafeInteger(held[1] + 2 ** 40);
}

/** A duration that a server names, from 0 to `maxMs`; 0 for what is none. */
export function readMs(value: unknown, maxMs: number): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, maxMs) : 0;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isPublisher(value: unknown): boolean {
  return isObject(value) && isString(value['registerId']);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}
