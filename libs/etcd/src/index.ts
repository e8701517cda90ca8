export { ETCD_CODES, type EtcdCode, EtcdError } from './errors.js';
export { ETCD_LIMITS } from './limits.js';
export type * from './store.js';
