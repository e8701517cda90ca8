import { Buffer } from 'node:buffer';
import { addExtension, Packr, RESERVE_START_SPACE, REUSE_BUFFER_MODE } from 'msgpackr';

/**
 * Bytes that are msgpack already. Wherever a value may stand, `pack` copies them into its output as they are, so that
 * what was encoded once is not encoded again. The holder must not change the bytes.
 */
export class Spliced {
  constructor(readonly packed: Uint8Array) {}
}

/**
 * The body of an answer that many connections get: encoded once, here, and sent to each behind an envelope of its own.
 * A handler's stream may emit it in place of the value.
 */
export class SharedBody extends Spliced {
  static of(value: unknown): SharedBody {
    return new SharedBody(pack(value));
  }
}

/** What `addExtension` really hands to `pack`; its own types leave the second parameter out. */
type AllocateForWrite = (byteLength: number) => { target: Uint8Array; position: number };

/** Bytes that belong at a place in the output and are not copied there. */
interface Part {
  at: number;
  bytes: Uint8Array;
}

/** Below this, a copy is cheaper than one more buffer to write. */
const PART_FROM_BYTES = 4096;

/** Of what is encoded just now, where it may have several parts. */
let parts: Part[] | undefined;

/** A type number that no reader knows. It is never written: the bytes go out without an extension header. */
const UNWRITTEN_TYPE = 0x5e;

addExtension({
  Class: Spliced,
  type: UNWRITTEN_TYPE,
  pack: (({ packed }: Spliced, allocateForWrite: AllocateForWrite): void => {
    const isPart = parts !== undefined && packed.byteLength >= PART_FROM_BYTES;
    const { target, position } = allocateForWrite(isPart ? 0 : packed.byteLength);
    if (isPart) parts!.push({ at: position, bytes: packed });
    else target.set(packed, position);
  }) as unknown as (value: Spliced) => Buffer,
  unpack: () => {
    throw new Error('Nothing is ever encoded as this extension.');
  },
});

/**
 * Plain msgpack, message by message. Records would halve the decoding of long lists, but a reader would have to
 * compile what a stranger sends; structures shared between messages fail a reader that joins late.
 */
const packr = new Packr({ useRecords: false, moreTypes: false });

/**
 * What everything is written into first, so that a message costs memory of its own size and no more. msgpackr would find
 * room for a larger one by steps, in buffers of up to four times its size, and V8, which counts memory outside its heap
 * towards the next major collection, would walk a million objects for every few hundred answers. Above what a list of
 * messages may have; what is larger still is rare.
 */
const scratch = Buffer.allocUnsafeSlow(1024 * 1024 + 64 * 1024);

/** The buffer written into from its beginning, and to where. */
interface Written extends Buffer {
  end: number;
}

/** Encodes one value. Throws for what msgpack cannot hold: symbols, cycles. */
export function pack(value: unknown): Buffer {
  return packBehind(0, value);
}

/** As `pack`, with `headBytes` left free in front, to be written by the caller. */
export function packBehind(headBytes: number, value: unknown): Buffer {
  const { buffer, end } = write(headBytes, value);
  return copyOf(buffer, 0, end);
}

/**
 * As `packBehind`, in buffers to be written one after the other: what was spliced and is large is not copied. The first
 * has the free bytes.
 */
export function packPartsBehind(headBytes: number, value: unknown): Buffer[] {
  const found: Part[] = [];
  parts = found;
  try {
    const { buffer, end } = write(headBytes, value);
    const own = copyOf(buffer, 0, end);
    if (found.length === 0) return [own];
    const all: Buffer[] = [];
    let from = 0;
    for (const { at, bytes } of found) {
      if (from < at) all.push(own.subarray(from, at));
      all.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      from = at;
    }
    if (from < end) all.push(own.subarray(from));
    return all;
  } finally {
    parts = undefined;
  }
}

/** What was encoded, from the beginning of a buffer that the next one will overwrite. */
function write(headBytes: number, value: unknown): { buffer: Buffer; end: number } {
  // msgpackr has one buffer for all of its instances, and after an exception stands somewhere within.
  packr.useBuffer(scratch);
  const buffer = packr.pack(value, RESERVE_START_SPACE + REUSE_BUFFER_MODE + headBytes) as Written;
  // It was too large, and is held until the next one.
  if (buffer.length > scratch.length) packr.useBuffer(scratch);
  return { buffer, end: buffer.end };
}

function copyOf(buffer: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  buffer.copy(copy, 0, start, end);
  return copy;
}
