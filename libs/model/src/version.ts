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

/** Every safe integer has as many digits, or fewer. */
const MAX_DIGITS = 16;

/** The version of its string form, or undefined when the string is not one. */
export function parseVersion(text: string): DatumVersion | undefined {
  const dot = text.indexOf('.');
  const leaderEpoch = parseNumber(text, 0, dot);
  const sequence = parseNumber(text, dot + 1, text.length);
  return leaderEpoch === undefined || sequence === undefined ? undefined : { leaderEpoch, sequence };
}

/** Digit by digit, since it is done for each push and each acknowledgement: a regular expression takes twice as long. */
function parseNumber(text: string, start: number, end: number): number | undefined {
  if (end <= start || end - start > MAX_DIGITS) return undefined;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}
