import type { DataLimits } from './contract.js';

export const DATA_LIMITS: DataLimits = {
  tombstoneMs: 10 * 60 * 1000,
  orphanGraceMs: 5_000,
  unreconciledReportMs: 10_000,
  linkIdleMs: 10_000,
  standInMs: 2_000,
};
