export { type EtcdFixture, etcdContract } from './testing/contract.js';
export { MemoryStore } from './testing/memory-store.js';
export { WatchLog, key, text } from './testing/watch-log.js';
