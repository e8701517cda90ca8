import { unpack } from 'msgpackr';

/** A 4-byte big-endian length and the body, as one buffer. */
export function frame(body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(4 + body.length);
  bytes.writeUInt32BE(body.length, 0);
  body.copy(bytes, 4);
  return bytes;
}

/** The least a reader of such frames must do. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly onMessage: (message: unknown) => void) {}

  push(chunk: Buffer): void {
    let bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    while (bytes.length >= 4) {
      const end = 4 + bytes.readUInt32BE(0);
      if (bytes.length < end) break;
      this.onMessage(unpack(bytes.subarray(4, end)));
      bytes = bytes.subarray(end);
    }
    this.rest = bytes;
  }
}
