export * from './merge.js';
export * from './meta/contract.js';
export * from './data/contract.js';
export * from './session/contract.js';
export * from './client/contract.js';
export * from './membership/contract.js';
export * from './membership/membership.js';
export * from './session/present.js';
