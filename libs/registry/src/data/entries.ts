import type { Operation, Owner, ReplicatedOperation, Stamp } from '#model';
import type { Held } from '../merge.js';
import type { Datum } from './datum.js';

/** An operation as it was applied. */
export function journalled(operation: Operation, datum: Datum, stamp: Stamp, by: string): ReplicatedOperation {
  if (operation.op === 'unpublish') return { ...operation, stamp, by };
  return { op: 'publish', publication: datum.publications.get(operation.publication.registerId)!, by };
}

export function heldIn(datum: Datum, registerId: string): Held | undefined {
  const live = datum.publications.get(registerId);
  if (live) return { stamp: live.stamp, live: true };
  const tombstone = datum.tombstones?.get(registerId);
  return tombstone && { stamp: tombstone.stamp, live: false };
}

export function compactOwner(owner: Owner, intern: (text: string) => string): Owner {
  return owner.kind === 'connected'
    ? { kind: 'connected', session: intern(owner.session), connection: owner.connection }
    : owner;
}

/** A body may be a view into a received frame, which it must not keep alive. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
