import { type KeyRecord, encodeKey, holds, keyRegisterId, toBytes, toKeyValue } from '#etcd';
import type { KeyCompare, KeyOperation, KeyOutcome, Operation, Publication } from '#model';
import { type KeyIndex, toEntry } from './key-index.js';

/** What a txn comes to, decided by what is held now. */
export interface TxnPlan {
  succeeded: boolean;
  outcomes: KeyOutcome[];
  /** What is to be on disks first. */
  durable: Operation[];
  /** What follows when that has happened. */
  applied: Operation[];
}

interface Planned {
  record: KeyRecord | undefined;
  put?: Extract<KeyOperation, { op: 'put' }>;
  leaseMs?: number;
}

/** Undefined where a put is to keep what is not there. */
export function planTxn(
  index: KeyIndex,
  { compare, success, failure }: { compare: KeyCompare[]; success: KeyOperation[]; failure: KeyOperation[] },
  about: { revision: () => number; zone: string; wallMs: number; leaseMsOf: (key: string) => number },
): TxnPlan | undefined {
  const succeeded = compare.every((one) => compares(one, index));
  const planned = new Map<string, Planned>();
  const now = (key: string): KeyRecord | undefined => {
    const change = planned.get(key);
    return change ? change.record : index.current(key)?.record;
  };
  const outcomes: KeyOutcome[] = [];
  let revision: number | undefined;
  for (const operation of succeeded ? success : failure) {
    const before = now(operation.key);
    const told = before ? { entry: toEntry(before) } : {};
    switch (operation.op) {
      case 'get':
        outcomes.push(told);
        break;
      case 'delete':
        if (before) {
          revision ??= about.revision();
          planned.set(operation.key, { record: undefined });
        }
        outcomes.push({ deleted: before ? 1 : 0, ...(operation.prev ? told : {}) });
        break;
      case 'put': {
        if (!before && (operation.value === null || operation.lease === null)) return undefined;
        revision ??= about.revision();
        planned.set(operation.key, planPut(operation, before, revision, about.leaseMsOf));
        outcomes.push(operation.prev ? told : {});
        break;
      }
    }
  }
  const plan: TxnPlan = { succeeded, outcomes, durable: [], applied: [] };
  for (const [key, change] of planned) perform(plan, index, key, change, about);
  return plan;
}

function compares({ key, target, result, operand }: KeyCompare, index: KeyIndex): boolean {
  const held = index.current(key)?.record;
  const kv = held && toKeyValue(held);
  const name = toBytes(key);
  return typeof operand === 'string'
    ? target !== 'value' && holds({ key: name, result, target, operand: BigInt(operand) }, kv)
    : holds({ key: name, result, target: 'value', operand }, kv);
}

function planPut(
  put: Extract<KeyOperation, { op: 'put' }>,
  before: KeyRecord | undefined,
  modRevision: number,
  leaseMsOf: (key: string) => number,
): Planned {
  const { key, lease } = put;
  const kept = lease === null;
  const record: KeyRecord = {
    key,
    value: put.value ?? before!.value,
    data: put.value === null ? before!.data : put.data,
    createRevision: before?.createRevision ?? modRevision,
    modRevision,
    version: (before?.version ?? 0) + 1,
    lease: kept ? before!.lease : (lease?.id ?? ''),
    grant: kept ? before!.grant : (lease?.grant ?? 0),
  };
  if (record.lease === '') return { record, put };
  return { record, put, leaseMs: kept ? leaseMsOf(key) : lease!.leaseMs };
}

function perform(
  { durable, applied }: TxnPlan,
  index: KeyIndex,
  key: string,
  { record, put, leaseMs }: Planned,
  { zone, wallMs }: { zone: string; wallMs: number },
): void {
  const remove = ({ registerId, dataInfoId }: { registerId: string; dataInfoId: string }): Operation => ({
    ...{ op: 'unpublish', registerId, dataInfoId, stamp: null, cause: 'unpublish' },
  });
  const [leased, persistent] = [index.of(key, true), index.of(key, false)];
  if (record && put) {
    const owner: Publication['owner'] = leaseMs === undefined ? { kind: 'persistent' } : { kind: 'leased', leaseMs };
    const { dataInfoId } = put;
    const registerId = keyRegisterId(put, leaseMs !== undefined);
    const publication = { registerId, dataInfoId, zone, appName: '', registerTimestamp: wallMs, stamp: null };
    const publish: Operation = { op: 'publish', publication: { ...publication, owner, body: encodeKey(record) } };
    (leaseMs === undefined ? durable : applied).push(publish);
  }
  if (persistent && (!record || leaseMs !== undefined)) durable.push(remove(persistent));
  if (leased && (!record || leaseMs === undefined)) applied.push(remove(leased));
}
