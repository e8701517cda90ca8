/**
 * The version of a datum: (leaderEpoch of its slot, slot sequence of its last change). No wall clock. Versions compare
 * only within one clusterId. Shown to people and clients as an opaque string such as "7.42".
 */
export interface DatumVersion {
  leaderEpoch: number;
  sequence: number;
}

export const ZERO_VERSION: DatumVersion = Object.freeze({ leaderEpoch: 0, sequence: 0 });

export function compareVersions(a: DatumVersion, b: DatumVersion): number {
  return a.leaderEpoch - b.leaderEpoch || a.sequence - b.sequence;
}

export function formatVersion(version: DatumVersion): string {
  return `${version.leaderEpoch}.${version.sequence}`;
}

/** The version of its string form, or undefined when the string is not one. */
export function parseVersion(text: string): DatumVersion | undefined {
  const match = /^(\d{1,16})\.(\d{1,16})$/.exec(text);
  if (!match) return undefined;
  const version = { leaderEpoch: Number(match[1]), sequence: Number(match[2]) };
  return Number.isSafeInteger(version.leaderEpoch) && Number.isSafeInteger(version.sequence) ? version : undefined;
}
