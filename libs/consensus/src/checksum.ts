const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  return remainder;
});

/** CRC-32 as in zlib and Ethernet. Giving the value of what came before goes on with it. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

/**
 * The checksum of an entry, chained to that of the entry before it, so that an entry is also wrong when it is a good
 * one from somewhere else: left over from before a truncation, or out of its place.
 */
export function chainedChecksum(previous: number, entry: { index: number; term: number; payload: Uint8Array }): number {
  const header = new DataView(new ArrayBuffer(20));
  header.setUint32(0, previous);
  header.setFloat64(4, entry.index);
  header.setFloat64(12, entry.term);
  return crc32(entry.payload, crc32(new Uint8Array(header.buffer)));
}
