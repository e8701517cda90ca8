import {
  type Compare,
  type DeleteRangeRequest,
  EtcdError,
  type KeyRange,
  type PutRequest,
  type RangeRequest,
  type SortTarget,
  type TxnOperation,
  type TxnRequest,
  type WatchRequest,
} from '#etcd';
import type {
  CompareMessage,
  DeleteRangeMessage,
  OperationMessage,
  PutMessage,
  RangeMessage,
  TxnMessage,
  WatchCreateMessage,
} from './messages.js';

const SORT_ORDERS = { NONE: 'none', ASCEND: 'ascend', DESCEND: 'descend' } as const;
const SORT_TARGETS = {
  ...{ KEY: 'key', VERSION: 'version', CREATE: 'create', MOD: 'mod', VALUE: 'value' },
} as const satisfies Record<string, SortTarget>;
const RESULTS = { EQUAL: '=', NOT_EQUAL: '!=', GREATER: '>', LESS: '<' } as const;
const NUMBERS = {
  VERSION: ['version', 'version'],
  CREATE: ['create', 'create_revision'],
  MOD: ['mod', 'mod_revision'],
  LEASE: ['lease', 'lease'],
} as const;

/** @throws EtcdError NOT_SERVED for what is asked to learn who is next to be elected, INVALID_SORT_OPTION */
export function rangeRequest(message: RangeMessage): RangeRequest {
  const target = known(SORT_TARGETS, message.sort_target);
  const order = known(SORT_ORDERS, message.sort_order);
  // The clients of etcd elect by themselves, too: whoever finds no key before its own takes itself to be elected.
  if (target === 'create' && message.limit === '1' && message.max_create_revision !== '0')
    throw new EtcdError('NOT_SERVED', noneOf('elections'));
  return {
    ...keyRange(message),
    limit: limitOf(message.limit),
    revision: notBelow0(message.revision),
    // Whoever names by what to sort, and not in which order, means the ascending one.
    sort: { order: order === 'none' && target !== 'key' ? 'ascend' : order, target },
    serializable: message.serializable,
    keysOnly: message.keys_only,
    countOnly: message.count_only,
    minModRevision: BigInt(message.min_mod_revision),
    maxModRevision: BigInt(message.max_mod_revision),
    minCreateRevision: BigInt(message.min_create_revision),
    maxCreateRevision: BigInt(message.max_create_revision),
  };
}

export function putRequest({ key, value, lease, prev_kv, ignore_value, ignore_lease }: PutMessage): PutRequest {
  return {
    ...{ key, value, lease: BigInt(lease) },
    ...{ prevKv: prev_kv, ignoreValue: ignore_value, ignoreLease: ignore_lease },
  };
}

export function deleteRangeRequest(message: DeleteRangeMessage): DeleteRangeRequest {
  return { ...keyRange(message), prevKv: message.prev_kv };
}

/** @throws EtcdError KEY_NOT_FOUND for an operation that is none, as etcd says; TXN_NOT_SERVED for a compare that nobody knows */
export function txnRequest({ compare, success, failure }: TxnMessage, depth = 0): TxnRequest {
  // What is nested deeper than anybody nests it is not even read; the store refuses what is nested at all.
  if (depth > 1) throw new EtcdError('TXN_NOT_SERVED');
  const operations = (messages: OperationMessage[]): TxnOperation[] => messages.map((each) => operation(each, depth));
  return { compare: compare.map(compareOf), success: operations(success), failure: operations(failure) };
}

function operation(message: OperationMessage, depth: number): TxnOperation {
  const { request_range, request_put, request_delete_range, request_txn } = message;
  if (request_range) return { op: 'range', request: rangeRequest(request_range) };
  if (request_put) return { op: 'put', request: putRequest(request_put) };
  if (request_delete_range) return { op: 'deleteRange', request: deleteRangeRequest(request_delete_range) };
  if (request_txn) return { op: 'txn', request: txnRequest(request_txn, depth + 1) };
  throw new EtcdError('KEY_NOT_FOUND');
}

function compareOf(message: CompareMessage): Compare {
  const { key, range_end, target } = message;
  const what = {
    key,
    ...(range_end.length > 0 ? { rangeEnd: range_end } : {}),
    result: known(RESULTS, message.result, 'TXN_NOT_SERVED'),
  };
  if (target === 'VALUE') return { ...what, target: 'value', operand: message.value ?? Buffer.alloc(0) };
  const [name, field] = known(NUMBERS, target, 'TXN_NOT_SERVED');
  return { ...what, target: name, operand: BigInt(message[field] ?? 0) };
}

export function watchRequest(message: WatchCreateMessage): WatchRequest {
  const { key, range_end, start_revision, filters } = message;
  const start = BigInt(start_revision);
  return {
    // In a watch alone, no key is the lowest one.
    ...keyRange({ key: key.length > 0 ? key : Buffer.alloc(1), range_end }),
    startRevision: start < 0n ? 1n : start,
    prevKv: message.prev_kv,
    progressNotify: message.progress_notify,
    filters: filters.flatMap((filter) => (filter === 'NOPUT' ? ['put'] : filter === 'NODELETE' ? ['delete'] : [])),
  };
}

/** Why there are none. */
export function noneOf(what: 'locks' | 'elections'): string {
  return `rollcall: there are no ${what}: a registry cannot promise that only one has them`;
}

function keyRange({ key, range_end }: { key: Buffer; range_end: Buffer }): KeyRange {
  return range_end.length > 0 ? { key, rangeEnd: range_end } : { key };
}

/** More than fits in an answer anyway is no limit. */
function limitOf(text: string): number {
  const limit = Number(text);
  return limit > 0 && Number.isSafeInteger(limit) ? limit : 0;
}

function notBelow0(text: string): bigint {
  const value = BigInt(text);
  return value < 0n ? 0n : value;
}

function known<T extends object, K extends keyof T>(
  table: T,
  word: string | number,
  otherwise: 'INVALID_SORT_OPTION' | 'TXN_NOT_SERVED' = 'INVALID_SORT_OPTION',
): T[K] {
  if (!Object.hasOwn(table, word)) throw new EtcdError(otherwise);
  return table[word as K];
}
