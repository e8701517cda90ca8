/**
 * What a byte does to the remainder, and in the three tables after it what it does one, two and three bytes further on, so
 * that four bytes take one step.
 */
const TABLE = new Uint32Array(4 * 256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  TABLE[byte] = remainder;
}
for (let at = 256; at < TABLE.length; at++) {
  const before = TABLE[at - 256]!;
  TABLE[at] = (before >>> 8) ^ TABLE[before & 0xff]!;
}

/** CRC-32 as in zlib and Ethernet. Giving the value of what came before goes on with it. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  let at = 0;
  for (const last = bytes.length - 3; at < last; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      TABLE[768 + (crc & 0xff)]! ^
      TABLE[512 + ((crc >>> 8) & 0xff)]! ^
      TABLE[256 + ((crc >>> 16) & 0xff)]! ^
      TABLE[crc >>> 24]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

/** Used again and again: memory of its own for each entry would cost more than the checksum. */
const header = new DataView(new ArrayBuffer(20));
const headerBytes = new Uint8Array(header.buffer);

/**
 * The checksum of an entry, chained to that of the entry before it, so that an entry is also wrong when it is a good
 * one from somewhere else: left over from before a truncation, or out of its place.
 */
export function chainedChecksum(previous: number, entry: { index: number; term: number; payload: Uint8Array }): number {
  header.setUint32(0, previous);
  header.setFloat64(4, entry.index);
  header.setFloat64(12, entry.term);
  return crc32(entry.payload, crc32(headerBytes));
}
