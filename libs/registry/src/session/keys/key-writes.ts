import { type KeyLayout, type TxnOperation, dataOf, placeOf, toKey } from '#etcd';
import type { Compare, EtcdCode, PutRequest } from '#etcd';
import type { KeyCompare, KeyOperation, LeaseName } from '#model';

/** A key's publication ends by itself this much later than its lease at the latest, should nobody renew it. */
const LONGER_MS = 10_000;

/** How long the publication of a key with a lease lives unless it is renewed. */
export function leaseMsOf(ttlS: number): number {
  return 2 * ttlS * 1_000 + LONGER_MS;
}

export interface AttachedLease extends LeaseName {
  ttlS: number;
}

type Made<Value> = { ok: true; value: Value } | { ok: false; code: EtcdCode };

/** @param leases those that puts name, as their leaders know them */
export function toPut(
  request: PutRequest,
  leases: ReadonlyMap<string, AttachedLease>,
  layouts: readonly KeyLayout[],
): Made<KeyOperation> {
  const key = toKey(request.key);
  const place = placeOf(key, layouts);
  if (!place) return { ok: false, code: 'KEY_TOO_LARGE' };
  const { value, ignoreValue, ignoreLease, prevKv = false } = request;
  const id = leaseIdOf(request);
  const lease = id === '' ? undefined : leases.get(id);
  return {
    ok: true,
    value: {
      ...{ op: 'put', key, ...place, prev: prevKv },
      data: ignoreValue ? [] : dataOf(key, value, layouts),
      value: ignoreValue ? null : value,
      ...(ignoreLease ? { lease: null } : {}),
      ...(lease ? { lease: { id: lease.id, grant: lease.grant, leaseMs: leaseMsOf(lease.ttlS) } } : {}),
    },
  };
}

/** Empty without one. */
export function leaseIdOf({ lease = 0n, ignoreLease }: PutRequest): string {
  return lease === 0n || ignoreLease ? '' : String(lease);
}

export function toCompare({ key, ...compare }: Compare): KeyCompare {
  const { target, result } = compare;
  const operand = compare.target === 'value' ? compare.operand : String(compare.operand);
  return { key: toKey(key), target, result, operand };
}

export function toOperations(
  operations: TxnOperation[],
  leases: ReadonlyMap<string, AttachedLease>,
  layouts: readonly KeyLayout[],
): Made<KeyOperation[]> {
  const made: KeyOperation[] = [];
  for (const operation of operations) {
    if (operation.op === 'put') {
      const put = toPut(operation.request, leases, layouts);
      if (!put.ok) return put;
      made.push(put.value);
    } else if (operation.op === 'range') made.push({ op: 'get', key: toKey(operation.request.key) });
    else if (operation.op === 'deleteRange') {
      const { key, prevKv = false } = operation.request;
      made.push({ op: 'delete', key: toKey(key), prev: prevKv });
    }
  }
  return { ok: true, value: made };
}
