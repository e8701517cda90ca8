import type { KeyEntry } from '#model';
import { toBytes } from './bytes.js';
import type { KeyValue } from './store.js';

/** As clients are told. */
export function toKeyValue({ key, value, createRevision, modRevision, version, lease }: KeyEntry): KeyValue {
  return {
    ...{ key: toBytes(key), value },
    ...{ createRevision: BigInt(createRevision), modRevision: BigInt(modRevision), version: BigInt(version) },
    lease: BigInt(lease || 0),
  };
}
