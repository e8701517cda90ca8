import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { RegistryError } from '#model';

/** Records in LevelDB, each behind a checksum of its own. */
export type CheckedDb = ClassicLevel<string, Uint8Array>;

const CHECKSUM_BYTES = 4;

export async function openCheckedDb(location: string): Promise<CheckedDb> {
  const db: CheckedDb = new ClassicLevel(join(location, 'db'), { keyEncoding: 'utf8', valueEncoding: 'view' });
  await db.open();
  return db;
}

export function frame(key: string, value: Uint8Array): Uint8Array {
  const framed = new Uint8Array(CHECKSUM_BYTES + value.length);
  viewOf(framed).setUint32(0, checksum(key, value));
  framed.set(value, CHECKSUM_BYTES);
  return framed;
}

/** @throws RegistryError STORE_CORRUPT */
export function unframe(location: string, key: string, framed: Uint8Array): Uint8Array {
  const value = framed.subarray(CHECKSUM_BYTES);
  const isWhole = framed.length >= CHECKSUM_BYTES && viewOf(framed).getUint32(0) === checksum(key, value);
  if (isWhole) return value;
  const message = `The folder ${location} is damaged: the record ${JSON.stringify(key)} fails its checksum.`;
  throw new RegistryError('STORE_CORRUPT', message, { details: { location } });
}

/** Of the key, too: a value in another's place is no better than a damaged one. */
function checksum(key: string, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
