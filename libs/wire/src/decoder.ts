import { Buffer } from 'node:buffer';
import { LIMITS, RegistryError } from '#model';

/**
 * The decoder for msgpack that comes from a socket. It is our own, and msgpackr only encodes, for two reasons that
 * were measured: msgpackr's fast path returns strings that are slices of one long string, so that a registerId kept
 * for hours keeps the whole frame it came in (6 KB for 22 bytes), and its slow path takes twice as long; and msgpackr
 * decodes its extensions (records, regular expressions, errors, cyclic references) for anybody who sends them.
 *
 * What is accepted: nil, booleans, numbers, strings, binary, arrays, maps, the timestamp extension, and msgpackr's
 * way of writing `undefined`. 64-bit integers become numbers. Binary is copied, so that nothing decoded keeps a frame
 * alive. A map becomes a plain object whose keys are all its own properties; a key `__proto__` is dropped.
 */
export const DECODE_LIMITS = {
  /** Deeper nesting is refused, so that no recursive function downstream can be made to overflow the stack. */
  depth: 64,
  /**
   * Arrays and maps allowed in any message, and how many bytes of message allow one more. An empty map is one byte
   * on the wire and 56 in memory; without this bound a 16 MiB frame could claim a gigabyte.
   */
  containers: 4096,
  bytesPerContainer: LIMITS.bytesPerContainer,
} as const;

/**
 * Decodes exactly one value. Throws RegistryError BAD_FRAME for anything else.
 * @param binary `view`: binary is not copied, for who keeps `bytes` at least as long as what is decoded, and unchanged
 */
export function unpack(bytes: Uint8Array, binary: 'copy' | 'view' = 'copy'): unknown {
  source = asBuffer(bytes);
  copies = binary === 'copy';
  position = 0;
  end = bytes.byteLength;
  containersLeft = DECODE_LIMITS.containers + Math.floor(end / DECODE_LIMITS.bytesPerContainer);
  try {
    const value = read(0);
    if (position !== end) throw badFrame('more bytes follow the value');
    return value;
  } catch (error) {
    // A buffer that is asked for bytes past its end throws a RangeError: the message is cut short.
    throw error instanceof RegistryError ? error : badFrame('the value is cut short', error);
  } finally {
    source = EMPTY;
  }
}

// The state of the one decode that runs. Decoding is synchronous and calls nobody, so it is never entered twice; kept
// in module variables because that is a third faster than a state object.
const EMPTY = Buffer.alloc(0);
let source: Buffer = EMPTY;
let position = 0;
let end = 0;
let containersLeft = 0;
let copies = true;

function badFrame(why: string, cause?: unknown): RegistryError {
  return new RegistryError('BAD_FRAME', `Not a message of this protocol: ${why}.`, { cause });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function read(depth: number): unknown {
  if (position >= end) throw badFrame('the value is cut short');
  const token = source[position++]!;
  if (token < 0x80) return token;
  if (token < 0x90) return readMap(token & 0x0f, depth);
  if (token < 0xa0) return readArray(token & 0x0f, depth);
  if (token < 0xc0) return readString(token & 0x1f);
  if (token >= 0xe0) return token - 0x100;
  switch (token) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return readBinary(readUint8());
    case 0xc5:
      return readBinary(readUint16());
    case 0xc6:
      return readBinary(readUint32());
    case 0xca:
      position += 4;
      return source.readFloatBE(position - 4);
    case 0xcb:
      position += 8;
      return source.readDoubleBE(position - 8);
    case 0xcc:
      return readUint8();
    case 0xcd:
      return readUint16();
    case 0xce:
      return readUint32();
    case 0xcf:
      return readUint32() * 0x1_0000_0000 + readUint32();
    case 0xd0:
      return source.readInt8(position++);
    case 0xd1:
      position += 2;
      return source.readInt16BE(position - 2);
    case 0xd2:
      position += 4;
      return source.readInt32BE(position - 4);
    case 0xd3:
      position += 4;
      return source.readInt32BE(position - 4) * 0x1_0000_0000 + readUint32();
    case 0xd9:
      return readString(readUint8());
    case 0xda:
      return readString(readUint16());
    case 0xdb:
      return readString(readUint32());
    case 0xdc:
      return readArray(readUint16(), depth);
    case 0xdd:
      return readArray(readUint32(), depth);
    case 0xde:
      return readMap(readUint16(), depth);
    case 0xdf:
      return readMap(readUint32(), depth);
    default:
      return readExtension(token);
  }
}

function readUint8(): number {
  return source.readUInt8(position++);
}

function readUint16(): number {
  position += 2;
  return source.readUInt16BE(position - 2);
}

function readUint32(): number {
  position += 4;
  return source.readUInt32BE(position - 4);
}

function readArray(length: number, depth: number): unknown[] {
  enter(length, depth);
  const array = new Array<unknown>(length);
  for (let i = 0; i < length; i++) array[i] = read(depth + 1);
  return array;
}

function readMap(length: number, depth: number): Record<string, unknown> {
  enter(length * 2, depth);
  const object: Record<string, unknown> = {};
  for (let i = 0; i < length; i++) {
    const key = readKey();
    const value = read(depth + 1);
    if (key !== '__proto__') object[key] = value;
  }
  return object;
}

/** Every item takes a byte at least, so a length beyond what is left is a lie and must not allocate. */
function enter(items: number, depth: number): void {
  if (items > end - position) throw badFrame('the value is cut short');
  if (depth >= DECODE_LIMITS.depth) throw badFrame(`nested deeper than ${DECODE_LIMITS.depth}`);
  if (--containersLeft < 0) throw badFrame('too many arrays and maps for its size');
}

function readBinary(length: number): Uint8Array {
  if (length > end - position) throw badFrame('the value is cut short');
  const start = position;
  position += length;
  if (!copies) return new Uint8Array(source.buffer, source.byteOffset + start, length);
  const bytes = new Uint8Array(length);
  bytes.set(source.subarray(start, position));
  return bytes;
}

function readString(length: number): string {
  const start = position;
  const stop = start + length;
  if (stop > end) throw badFrame('the value is cut short');
  position = stop;
  return length <= RECENT_BYTES ? readRecent(start, stop) : source.toString('utf8', start, stop);
}

/**
 * Strings seen not long ago: zones, names of applications, services and servers repeat endlessly, and what is held for long
 * is not to hold them a thousand times. A direct-mapped cache of strings that are ASCII, or hold what no byte is equal to.
 */
const RECENT_BYTES = 64;
const RECENT_STRINGS = 4096;
const recent = new Array<string>(RECENT_STRINGS).fill('');

function readRecent(start: number, stop: number): string {
  const length = stop - start;
  let hash = length;
  for (let i = start; i < stop; i++) hash = (Math.imul(hash, 31) + source[i]!) | 0;
  const slot = (hash ^ (hash >>> 12)) & (RECENT_STRINGS - 1);
  const known = recent[slot]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === source[start + i]) i++;
    if (i === length) return known;
  }
  // Up to 12 characters V8 copies when it concatenates; longer ones would become ropes, which cost memory when kept.
  const ascii = length <= 12 ? shortAscii(start, length) : undefined;
  const text = ascii ?? source.toString('utf8', start, stop);
  // Of as many characters as bytes, so each is a byte below 128, or stands for one that is no UTF-8.
  if (text.length === length) recent[slot] = text;
  return text;
}

const fromCharCode = String.fromCharCode;

/** Crossing into C++ for a short string costs more than building it here. */
function shortAscii(start: number, length: number): string | undefined {
  let text = '';
  let i = start;
  const stop = start + length;
  for (; i + 4 <= stop; i += 4) {
    const a = source[i]!;
    const b = source[i + 1]!;
    const c = source[i + 2]!;
    const d = source[i + 3]!;
    if ((a | b | c | d) & 0x80) return undefined;
    text += fromCharCode(a, b, c, d);
  }
  for (; i < stop; i++) {
    const a = source[i]!;
    if (a & 0x80) return undefined;
    text += fromCharCode(a);
  }
  return text;
}

/** Keys repeat, so the short ones are remembered: a direct-mapped cache, bounded, compared byte by byte. */
const KEY_CACHE_SIZE = 1024;
const keyCache = new Array<{ bytes: Buffer; text: string } | undefined>(KEY_CACHE_SIZE);

function readKey(): string {
  if (position >= end) throw badFrame('the value is cut short');
  const token = source[position]!;
  if (token >= 0xa1 && token < 0xc0) {
    const length = token & 0x1f;
    const start = position + 1;
    const stop = start + length;
    if (stop > end) throw badFrame('the value is cut short');
    const slot = (length * 61 + source[start]! * 31 + source[stop - 1]! * 7 + source[start + (length >> 1)]!) & 1023;
    const cached = keyCache[slot];
    if (cached !== undefined && cached.bytes.length === length) {
      const bytes = cached.bytes;
      let i = 0;
      while (i < length && bytes[i] === source[start + i]) i++;
      if (i === length) {
        position = stop;
        return cached.text;
      }
    }
    position = start;
    const text = readString(length);
    keyCache[slot] = { bytes: Buffer.from(source.subarray(start, stop)), text };
    return text;
  }
  const key = read(DECODE_LIMITS.depth);
  if (typeof key === 'string') return key;
  if (typeof key === 'number') return String(key);
  throw badFrame('a map has a key that is not a string');
}

/** The two extensions that an ordinary value can need: `undefined` as msgpackr writes it, and timestamps. */
function readExtension(token: number): unknown {
  let length: number;
  if (token === 0xc7) length = readUint8();
  else if (token >= 0xd4 && token <= 0xd8) length = 1 << (token - 0xd4);
  else throw badFrame(`an extension or the unused type 0x${token.toString(16)}`);
  const type = readUint8();
  const start = position;
  position += length;
  if (position > end) throw badFrame('the value is cut short');
  if (type === 0 && length === 1) return undefined;
  if (type === 0xff && length === 4) return new Date(source.readUInt32BE(start) * 1000);
  if (type === 0xff && length === 8) {
    const high = source.readUInt32BE(start);
    return new Date((high >>> 2) / 1e6 + ((high & 3) * 0x1_0000_0000 + source.readUInt32BE(start + 4)) * 1000);
  }
  if (type === 0xff && length === 12)
    return new Date(source.readUInt32BE(start) / 1e6 + Number(source.readBigInt64BE(start + 4)) * 1000);
  throw badFrame(`an extension of type ${type}`);
}
