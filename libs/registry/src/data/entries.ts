import type { Held } from '../merge.js';
import type { Datum } from './datum.js';
import type { KeptPublication } from './memory/kept-publication.js';

export function heldIn(datum: Datum, registerId: string): Held | undefined {
  const live = datum.publications.get(registerId);
  if (live) return { stamp: live.stamp, live: true };
  const tombstone = datum.tombstones?.get(registerId);
  return tombstone && { stamp: tombstone.stamp, live: false };
}

/** A body may be a view into a received frame, which it must not keep alive. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** The connected publications of a session incarnation, up to a limit. */
export function ownedIn(datums: Iterable<Datum>, session: string, limit: number): KeptPublication[] {
  const found: KeptPublication[] = [];
  for (const { publications } of datums) {
    for (const publication of publications.values()) {
      if (found.length >= limit) return found;
      if (publication.session === session) found.push(publication);
    }
  }
  return found;
}
