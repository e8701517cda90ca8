/**
 * Where something stands in a list: the number of its part, then its names within that. A place is made of what it is and not
 * of where it is kept, so that places of several servers compare, and one that has been passed stays passed whatever comes and
 * goes. A place that is short stands before all longer ones that begin with it.
 */
export type Place = readonly [part: number, ...names: (string | number)[]];

export function comparePlaces(a: Place, b: Place): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return a.length - b.length;
}

const LONGEST = 6;

/** As it travels: the reader of a list gives back the one that it was given, for the page behind it. */
export function formatCursor(list: string, place: Place): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(JSON.stringify([list, ...place]))) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Undefined when it is none of this list. */
export function parseCursor(list: string, cursor: string): Place | undefined {
  let value: unknown;
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length < 2 || value.length > LONGEST + 1) return undefined;
  const [of, part, ...names] = value as unknown[];
  const isPlace = Number.isSafeInteger(part) && (part as number) >= 0 && names.every(isName);
  return of === list && isPlace ? [part as number, ...(names as (string | number)[])] : undefined;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}
