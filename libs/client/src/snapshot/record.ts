import { crc32 } from 'node:zlib';
import { pack, unpack } from '#wire';

/** Files of another format are not read; they are replaced when there is something newer. */
const MAGIC = 'rollcall.snapshot.1\n';
const HEAD_BYTES = MAGIC.length + 4;

/** A value as it stands in a file of its own: magic with the version of the format, checksum, msgpack. */
export function encodeRecord(value: unknown): Uint8Array {
  const body = pack(value);
  const bytes = Buffer.alloc(HEAD_BYTES + body.length);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32BE(crc32(body), MAGIC.length);
  body.copy(bytes, HEAD_BYTES);
  return bytes;
}

/** Undefined for what is damaged, or of another format. */
export function decodeRecord(bytes: Buffer): unknown {
  if (bytes.length < HEAD_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const body = bytes.subarray(HEAD_BYTES);
  if (bytes.readUInt32BE(MAGIC.length) !== crc32(body)) return undefined;
  try {
    return unpack(body);
  } catch {
    return undefined;
  }
}
