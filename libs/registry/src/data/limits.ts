import type { DataLimits } from './contract.js';

export const DATA_LIMITS: DataLimits = {
  tombstoneMs: 10 * 60 * 1000,
  orphanGraceMs: 5_000,
  // A client asks every 3 s, waits 5 s for an answer, and may try another server that is silent, too, for 2 s.
  silentGraceMs: 12_000,
  unreconciledReportMs: 10_000,
  linkIdleMs: 10_000,
  standInMs: 2_000,
  sealMs: 200,
  durablePatienceMs: 2_500,
  warmPending: 200_000,
  retainedOperations: 20_000,
  retainedBytes: 16 * 1024 * 1024,
  unackedOperations: 4_096,
  messageBytes: 512 * 1024,
  compareReplicasMs: 20_000,
};
