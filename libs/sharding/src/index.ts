export type { PlanInput } from './cluster.js';
export { DEFAULT_LIMITS, type PlannerLimits } from './limits.js';
export * from './planner.js';
export * from './slot.js';
export * from './steps.js';
