/**
 * The stamp of a publication: (registerTimestamp, version, nonce), compared in that order. The timestamp is read and
 * the nonce drawn once per Publisher object; the client raises the version for every publish, unpublish, and replay on
 * a new connection. Invariant 1: one stamp is only ever sent over one client connection, and no server makes a stamp
 * for a client that has one. What comes without a stamp (curl) is stamped by the slot leader with
 * (leaderEpoch, slot sequence, 0).
 */
export type Stamp = readonly [registerTimestamp: number, version: number, nonce: number];

/** Negative when `a` is older, zero when equal, positive when `a` is newer. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

export function isStamp(value: unknown): value is Stamp {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isSafeInteger(part) && part >= 0);
}
