import { type Span, isWithin, toKey, toSpan } from './bytes.js';
import type { EtcdCode } from './errors.js';
import { ETCD_LIMITS } from './limits.js';
import type { DeleteRangeRequest, PutRequest, RangeRequest, TxnOperation, TxnRequest } from './store.js';

/** Why a request is refused whatever is held, as etcd refuses it; undefined where it is not. */
export function checkRange({ key }: RangeRequest | DeleteRangeRequest): EtcdCode | undefined {
  return key.length === 0 ? 'EMPTY_KEY' : undefined;
}

export function checkPut({ key, value, lease = 0n, ignoreValue, ignoreLease }: PutRequest): EtcdCode | undefined {
  if (key.length === 0) return 'EMPTY_KEY';
  if (ignoreValue && value.length > 0) return 'VALUE_PROVIDED';
  if (ignoreLease && lease !== 0n) return 'LEASE_PROVIDED';
  return key.length + value.length > ETCD_LIMITS.requestBytes ? 'REQUEST_TOO_LARGE' : undefined;
}

export function checkTxn({ compare, success, failure }: TxnRequest): EtcdCode | undefined {
  if (Math.max(compare.length, success.length, failure.length) > ETCD_LIMITS.txnOps) return 'TOO_MANY_OPS';
  if (compare.some(({ key }) => key.length === 0)) return 'EMPTY_KEY';
  for (const operations of [success, failure]) {
    for (const operation of operations) {
      const problem = checkOperation(operation);
      if (problem) return problem;
    }
  }
  let bytes = 0;
  for (const operation of [...success, ...failure])
    if (operation.op === 'put') bytes += operation.request.key.length + operation.request.value.length;
  if (bytes > ETCD_LIMITS.requestBytes) return 'REQUEST_TOO_LARGE';
  return [success, failure].some(changesTwice) ? 'DUPLICATE_KEY' : undefined;
}

function checkOperation(operation: TxnOperation): EtcdCode | undefined {
  switch (operation.op) {
    case 'put':
      return checkPut(operation.request);
    case 'txn':
      return 'TXN_NOT_SERVED';
    default:
      return checkRange(operation.request);
  }
}

/** A txn happens at one revision, which a key has once. */
function changesTwice(operations: TxnOperation[]): boolean {
  const puts = new Set<string>();
  const deleted: Span[] = [];
  for (const operation of operations) {
    if (operation.op === 'deleteRange') deleted.push(toSpan(operation.request));
    if (operation.op !== 'put') continue;
    const key = toKey(operation.request.key);
    if (puts.has(key)) return true;
    puts.add(key);
  }
  return deleted.some((span) => [...puts].some((key) => isWithin(key, span)));
}
