export { type Key, type Span, isWithin, toBytes, toKey, toSpan } from './bytes.js';
export { checkPut, checkRange, checkTxn } from './check.js';
export { ETCD_CODES, type EtcdCode, EtcdError } from './errors.js';
export { hashOf } from './hash.js';
export { type KeyedValue, Layouts, type OnMalformed, type ServiceKeys } from './layouts/layouts.js';
export { type NativeKeysIn, type NativeService, nativeKeysIn } from './layouts/native.js';
export { ETCD_LIMITS } from './limits.js';
export { holds, selected } from './select.js';
export type * from './store.js';
export {
  type KeyLayout,
  type KeyPlace,
  dataOf,
  isLeaseDataInfoId,
  isLeasedKey,
  keyRegisterId,
  leaseDataInfoId,
  leaseRegisterId,
  mayBeKey,
  placeOf,
  placeOfRegisterId,
} from './placement.js';
export { type KeyRecord, type LeaseRecord, decodeKey, decodeLease, encodeKey, encodeLease } from './record.js';
export { toKeyValue } from './wire.js';
