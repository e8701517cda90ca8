import { placeOfRegisterId } from '#etcd';
import {
  type KeyAsk,
  type KeyOperation,
  type KeysToData,
  LIMITS,
  type NativeName,
  isPlainObject,
  leasedRegisterId,
} from '#model';

/** Whether a message about keys has the form of the protocol. `belongs` says whether a dataInfoId is of a slot. */
export function isKeys(message: KeysToData, belongs: (dataInfoId: string, slot: number) => boolean): boolean {
  const { requestId, tableEpoch, seen, wallMs, zone, ask } = message;
  if (![requestId, tableEpoch, seen].every(isCount) || !Number.isFinite(wallMs) || typeof zone !== 'string')
    return false;
  if (!isPlainObject(ask) || !Array.isArray(ask.at)) return false;
  if (!ask.at.every((at) => Array.isArray(at) && at.length === 2 && at.every(isCount))) return false;
  const slot = ask.at[0]?.[0];
  if ('native' in ask && ask.native !== undefined && !isNative(ask.native, belongs)) return false;
  return isAsk(ask, (id) => typeof id === 'string' && slot !== undefined && belongs(id, slot));
}

type Belongs = (dataInfoId: unknown) => boolean;

function isAsk(ask: KeyAsk, belongs: Belongs): boolean {
  switch (ask.op) {
    case 'txn':
      return (
        ask.at.length === 1 &&
        isListOf(ask.compare, ({ key, operand }) => {
          const isNumber = typeof operand === 'string' && /^-?\d{1,20}$/.test(operand);
          return isText(key) && (isNumber || operand instanceof Uint8Array);
        }) &&
        [ask.success, ask.failure].every((list) => isListOf(list, (operation) => isOperation(operation, belongs)))
      );
    case 'range':
      return isSpan(ask.span);
    case 'deleteRange':
      return ask.at.length === 1 && isSpan(ask.span);
    case 'grant':
      return isText(ask.id) && belongs(ask.dataInfoId) && isCount(ask.ttlS) && isLease(ask.leaseMs);
    case 'lease':
      return isText(ask.id) && belongs(ask.dataInfoId) && (ask.act !== 'attach' || ask.slots.every(isCount));
    case 'attached':
      return isText(ask.lease?.id) && isCount(ask.lease.grant) && (ask.act !== 'remove' || ask.at.length === 1);
    case 'leases':
    case 'settle':
      return true;
    case 'watch':
      return isCount(ask.watchId) && isCount(ask.from) && isSpan(ask.span);
    case 'unwatch':
      return isCount(ask.watchId);
    default:
      return false;
  }
}

function isOperation(operation: KeyOperation, belongs: Belongs): boolean {
  if (!isText(operation.key)) return false;
  if (operation.op !== 'put') return operation.op === 'get' || operation.op === 'delete';
  const { dataInfoId, ownId, data, value, lease } = operation;
  if (!belongs(dataInfoId) || !isText(ownId) || !placeOfRegisterId(leasedRegisterId(dataInfoId, ownId))) return false;
  if (!Array.isArray(data) || !data.every((item) => typeof item === 'string')) return false;
  if (value !== null && !(value instanceof Uint8Array)) return false;
  return !lease || (isText(lease.id) && isCount(lease.grant) && isLease(lease.leaseMs));
}

function isNative(native: NativeName, belongs: (dataInfoId: string, slot: number) => boolean): boolean {
  if (!isPlainObject(native)) return false;
  return isCount(native.slot) && typeof native.dataInfoId === 'string' && belongs(native.dataInfoId, native.slot);
}

function isSpan(span: { key: string; end: string } | undefined): boolean {
  return typeof span?.key === 'string' && typeof span.end === 'string';
}

function isLease(leaseMs: number): boolean {
  return isCount(leaseMs) && leaseMs > 0 && leaseMs <= LIMITS.longestLeaseMs;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isListOf<Item extends object>(value: readonly Item[], isItem: (item: Item) => boolean): boolean {
  return Array.isArray(value) && value.every((item: unknown) => isPlainObject(item) && isItem(item as Item));
}
