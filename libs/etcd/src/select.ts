import { compareBytes } from './bytes.js';
import type { Compare, KeyValue, RangeAnswer, RangeRequest, SortTarget } from './store.js';

/** What a range answers, of all the keys in it, which come in their order. */
export function selected(all: KeyValue[], request: RangeRequest): Omit<RangeAnswer, 'header'> {
  const count = BigInt(all.length);
  if (request.countOnly) return { kvs: [], more: false, count };
  const { limit = 0, keysOnly, sort } = request;
  let kvs = all.filter((kv) => passes(kv, request));
  const target = sort?.target ?? 'key';
  const isSorted = sort !== undefined && (sort.order !== 'none' || target !== 'key');
  if (isSorted) {
    const sign = sort.order === 'descend' ? -1 : 1;
    kvs.sort((a, b) => sign * compareBy(target, a, b));
  }
  const more = limit > 0 && kvs.length > limit;
  if (more) kvs = kvs.slice(0, limit);
  if (keysOnly) kvs = kvs.map((kv) => ({ ...kv, value: new Uint8Array() }));
  return { kvs, more, count };
}

function passes(kv: KeyValue, request: RangeRequest): boolean {
  const { minModRevision = 0n, maxModRevision = 0n, minCreateRevision = 0n, maxCreateRevision = 0n } = request;
  return (
    (minModRevision === 0n || kv.modRevision >= minModRevision) &&
    (maxModRevision === 0n || kv.modRevision <= maxModRevision) &&
    (minCreateRevision === 0n || kv.createRevision >= minCreateRevision) &&
    (maxCreateRevision === 0n || kv.createRevision <= maxCreateRevision)
  );
}

function compareBy(target: SortTarget, a: KeyValue, b: KeyValue): number {
  switch (target) {
    case 'key':
      return compareBytes(a.key, b.key);
    case 'value':
      return compareBytes(a.value, b.value);
    case 'version':
      return Number(a.version - b.version);
    case 'create':
      return Number(a.createRevision - b.createRevision);
    case 'mod':
      return Number(a.modRevision - b.modRevision);
  }
}

/** Whether a compare holds of a key; of a range of keys it must hold of each. */
export function holds(compare: Compare, kv: KeyValue | undefined): boolean {
  if (compare.target === 'value') {
    if (!kv) return false;
    return judge(compare.result, compareBytes(kv.value, compare.operand));
  }
  const difference = fieldOf(compare.target, kv) - compare.operand;
  return judge(compare.result, difference < 0n ? -1 : difference > 0n ? 1 : 0);
}

function fieldOf(target: 'create' | 'mod' | 'version' | 'lease', kv: KeyValue | undefined): bigint {
  if (!kv) return 0n;
  switch (target) {
    case 'create':
      return kv.createRevision;
    case 'mod':
      return kv.modRevision;
    case 'version':
      return kv.version;
    case 'lease':
      return kv.lease;
  }
}

function judge(result: Compare['result'], order: number): boolean {
  switch (result) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
  }
}
