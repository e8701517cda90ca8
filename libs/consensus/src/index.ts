export * from './contract.js';
export * from './memory-log-store.js';
export * from './raft/contract.js';
export * from './raft/node-options.js';
export * from './raft/node.js';
export * from './raft/transport.js';
export * from './record-log-store.js';
export * from './records.js';
export { RaftCore } from './raft/core.js';
