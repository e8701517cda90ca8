export type { PlanInput } from './cluster.js';
export { DEFAULT_LIMITS, type PlannerLimits } from './limits.js';
export { type Load, type ServerLoad, serverLoads } from './loads.js';
export { plan } from './planner.js';
export * from './slot.js';
export * from './steps.js';
