import type { DataLimits } from './contract.js';

export const DATA_LIMITS: DataLimits = {
  tombstoneMs: 10 * 60 * 1000,
  orphanGraceMs: 5_000,
  unreconciledReportMs: 10_000,
  linkIdleMs: 10_000,
  standInMs: 2_000,
  sealMs: 200,
  retainedOperations: 20_000,
  retainedBytes: 16 * 1024 * 1024,
  unackedOperations: 4_096,
  messageBytes: 512 * 1024,
  compareReplicasMs: 20_000,
};
