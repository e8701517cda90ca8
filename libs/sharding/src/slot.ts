import type { DataInfoId } from '#model';

/**
 * MurmurHash3 x86_32 by Austin Appleby (public domain), over bytes. Every implementation of Rollcall's slot function
 * must give the same number; `slot-vectors.json` publishes test vectors.
 * @returns an unsigned 32-bit integer
 */
export function murmur3(bytes: Uint8Array, length = bytes.length, seed = 0): number {
  let h = seed | 0;
  const blocks = length & ~3;
  for (let i = 0; i < blocks; i += 4) {
    h ^= scramble(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= blocks; i--) tail = (tail << 8) | bytes[i]!;
  if (length > blocks) h ^= scramble(tail);
  h ^= length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function scramble(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

const encoder = new TextEncoder();
let scratch = new Uint8Array(256);

/** The slot of a dataInfoId: `murmur3(utf8) & (slotCount - 1)`. `slotCount` must be a power of two. */
export function slotOf(dataInfoId: DataInfoId, slotCount: number): number {
  if (dataInfoId.length * 3 > scratch.length) scratch = new Uint8Array(dataInfoId.length * 3);
  const { written } = encoder.encodeInto(dataInfoId, scratch);
  return murmur3(scratch, written) & (slotCount - 1);
}

export function isSlotCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_536 && (value & (value - 1)) === 0;
}
