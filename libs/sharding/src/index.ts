export * from './load.js';
export * from './planner.js';
export * from './slot.js';
