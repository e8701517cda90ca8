import type { ContentHash } from '#model';

/**
 * A 64-bit sum in two lanes of 32 bits. What is done with sums stands apart from how hashes are made, since clients only
 * add up what they are given, and their package has no hash function.
 */
export interface HashSum {
  high: number;
  low: number;
}

/** The two lanes are summed up by themselves, each modulo 2^32. */
export function addHash(sum: HashSum, { high, low }: HashSum, times: 1 | -1): void {
  sum.high = (sum.high + times * high) | 0;
  sum.low = (sum.low + times * low) | 0;
}

export function isSameHash(a: HashSum, b: HashSum): boolean {
  return a.high === b.high && a.low === b.low;
}

/** 16 hexadecimal digits. */
export function formatHash({ high, low }: HashSum): ContentHash {
  return hex(high) + hex(low);
}

export function parseHash(text: unknown): HashSum | undefined {
  if (typeof text !== 'string' || text.length !== 16) return undefined;
  const high = parseLane(text, 0);
  const low = parseLane(text, 8);
  return high === undefined || low === undefined ? undefined : { high, low };
}

/** Of eight digits; upper case is none of ours. */
function parseLane(text: string, start: number): number | undefined {
  let value = 0;
  for (let i = start; i < start + 8; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) value = (value << 4) | (code - 48);
    else if (code >= 97 && code <= 102) value = (value << 4) | (code - 87);
    else return undefined;
  }
  return value;
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
