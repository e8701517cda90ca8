export * from './contract.js';
export * from './memory-log-store.js';
export * from './record-log-store.js';
export * from './records.js';
export * from './single-node.js';
export * from './raft/contract.js';
export { RaftCore } from './raft/core.js';
