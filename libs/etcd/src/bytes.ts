/**
 * Inside, a key is a string whose characters are its bytes: so it compares and sorts as its bytes do, and can be the key of a
 * map.
 */
export type Key = string;

export function toKey(bytes: Uint8Array): Key {
  let key = '';
  for (const byte of bytes) key += String.fromCharCode(byte);
  return key;
}

export function toBytes(key: Key): Uint8Array {
  return Uint8Array.from(key, (char) => char.charCodeAt(0));
}

/** `end` is empty for the one key, and a zero byte for all from `key` on. */
export interface Span {
  key: Key;
  end: Key;
}

export function toSpan({ key, rangeEnd }: { key: Uint8Array; rangeEnd?: Uint8Array }): Span {
  return { key: toKey(key), end: rangeEnd ? toKey(rangeEnd) : '' };
}

export function isWithin(key: Key, { key: from, end }: Span): boolean {
  if (end === '') return key === from;
  return key >= from && (end === '\0' || key < end);
}

/** -1, 0 or 1, by bytes. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return Math.sign(a.length - b.length);
}
