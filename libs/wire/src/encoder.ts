import { Buffer } from 'node:buffer';
import { addExtension, Packr, RESERVE_START_SPACE } from 'msgpackr';

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

/** A type number that no reader knows. It is never written: the bytes go out without an extension header. */
const UNWRITTEN_TYPE = 0x5e;

addExtension({
  Class: Spliced,
  type: UNWRITTEN_TYPE,
  pack: ((spliced: Spliced, allocateForWrite: AllocateForWrite): void => {
    const { target, position } = allocateForWrite(spliced.packed.byteLength);
    target.set(spliced.packed, position);
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

/** What the encoder writes into, many small messages to a buffer. */
const BUFFER_BYTES = 8 * 1024;
const LARGE_BUFFER_BYTES = 64 * 1024;

/** Encodes one value. Throws for what msgpack cannot hold: symbols, cycles. */
export function pack(value: unknown): Buffer {
  return trimmed(packr.pack(value));
}

/** As `pack`, with `headBytes` left free in front, to be written by the caller. */
export function packBehind(headBytes: number, value: unknown): Buffer {
  return trimmed(packr.pack(value, RESERVE_START_SPACE + headBytes));
}

/**
 * After a large message msgpackr would go on writing into the large buffer it made for it, and every small message
 * that waits somewhere would keep all of that alive. The message itself has a quarter of that buffer, so it moves.
 */
function trimmed(packed: Buffer): Buffer {
  if (packed.buffer.byteLength <= LARGE_BUFFER_BYTES) return packed;
  packr.useBuffer(Buffer.allocUnsafeSlow(BUFFER_BYTES));
  const exact = Buffer.allocUnsafeSlow(packed.length);
  packed.copy(exact);
  return exact;
}
