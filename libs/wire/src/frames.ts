import { Buffer } from 'node:buffer';
import { LIMITS, RegistryError } from '#model';
import { packBehind, packPartsBehind } from './encoder.js';

/** A frame is four bytes of length, big-endian, and that many bytes of msgpack. */
export const FRAME_HEAD_BYTES = 4;

/** One value as a frame. Throws FRAME_TOO_LARGE for what the other side would refuse. */
export function encodeFrame(value: unknown, maxFrameBytes: number = LIMITS.frameBytes): Buffer {
  const frame = packBehind(FRAME_HEAD_BYTES, value);
  frame.writeUInt32BE(checked(frame.length - FRAME_HEAD_BYTES, maxFrameBytes), 0);
  return frame;
}

/** The same in buffers to be written one after the other: spliced bytes that are large are not copied. */
export function encodeFrameParts(value: unknown, maxFrameBytes: number = LIMITS.frameBytes): Buffer[] {
  const parts = packPartsBehind(FRAME_HEAD_BYTES, value);
  let bytes = -FRAME_HEAD_BYTES;
  for (const part of parts) bytes += part.length;
  parts[0]!.writeUInt32BE(checked(bytes, maxFrameBytes), 0);
  return parts;
}

function checked(bytes: number, maxFrameBytes: number): number {
  if (bytes > maxFrameBytes) throw frameTooLarge(bytes, maxFrameBytes);
  return bytes;
}

export function frameTooLarge(bytes: number, maxFrameBytes: number): RegistryError {
  return new RegistryError('FRAME_TOO_LARGE', `A frame of ${bytes} bytes; at most ${maxFrameBytes} are allowed.`, {
    details: { bytes, maxFrameBytes },
  });
}

const EMPTY: Buffer = Buffer.alloc(0);

/** The first buffer for a frame that arrives in pieces, unless it needs less. */
const FIRST_ASSEMBLY_BYTES = 16 * 1024;

/**
 * Cuts a stream of bytes into frames: `push` what arrived, then take frames with `next` until it has none.
 *
 * A frame that lies within one chunk is a view on it. One that spans chunks is gathered in a buffer that doubles as
 * bytes arrive: the work stays linear, a peer that only announces a huge frame costs nothing, and one that sends a
 * frame byte by byte costs no more than the frame (a list of chunks would cost a hundred bytes for each).
 */
export class FrameDecoder {
  /** What was pushed and not yet looked at. */
  private chunk = EMPTY;
  private offset = 0;
  /** The beginning of a frame, head included, that is not complete. */
  private assembly: Buffer | undefined;
  private assembledBytes = 0;
  private sinceMs: number | undefined;
  private pushedAtMs = 0;
  private readonly maxFrameBytes: number;

  constructor(options: { maxFrameBytes?: number } = {}) {
    this.maxFrameBytes = options.maxFrameBytes ?? LIMITS.frameBytes;
  }

  /** When the first byte of the frame came that is begun and not complete, or undefined if there is none. */
  get incompleteSinceMs(): number | undefined {
    return this.sinceMs;
  }

  /** Bytes of the incomplete frame that have arrived. */
  get incompleteBytes(): number {
    return this.assembledBytes + this.chunk.length - this.offset;
  }

  /** Lets an incomplete frame count from `nowMs`, when it was not the peer that held things up. */
  restartClock(nowMs: number): void {
    if (this.sinceMs !== undefined) this.sinceMs = nowMs;
  }

  /** Takes what arrived. All frames of the push before must have been taken. */
  push(chunk: Buffer, nowMs: number): void {
    if (this.offset < this.chunk.length) throw new Error('push before next had handed out every frame');
    this.chunk = chunk;
    this.offset = 0;
    this.sinceMs ??= nowMs;
    this.pushedAtMs = nowMs;
  }

  /** The bytes of the next frame, or undefined until more arrives. Throws FRAME_TOO_LARGE, and then is of no use. */
  next(): Buffer | undefined {
    return this.assembly === undefined ? this.nextOfChunk() : this.nextOfAssembly();
  }

  private nextOfChunk(): Buffer | undefined {
    const available = this.chunk.length - this.offset;
    if (available === 0) {
      this.dropChunk();
      this.sinceMs = undefined;
      return undefined;
    }
    if (available < FRAME_HEAD_BYTES) return this.beginAssembly(FRAME_HEAD_BYTES);
    const frameBytes = FRAME_HEAD_BYTES + this.checked(this.chunk.readUInt32BE(this.offset));
    if (available < frameBytes) return this.beginAssembly(frameBytes);
    const frame = this.chunk.subarray(this.offset + FRAME_HEAD_BYTES, this.offset + frameBytes);
    this.offset += frameBytes;
    this.sinceMs = this.pushedAtMs;
    return frame;
  }

  private beginAssembly(frameBytes: number): undefined {
    this.assembly = Buffer.allocUnsafeSlow(Math.min(frameBytes, FIRST_ASSEMBLY_BYTES));
    this.assembledBytes = 0;
    // What is left of the chunk is less than a frame, so this takes all of it.
    this.gather(frameBytes);
    return undefined;
  }

  private nextOfAssembly(): Buffer | undefined {
    if (this.assembledBytes < FRAME_HEAD_BYTES) {
      this.gather(FRAME_HEAD_BYTES);
      if (this.assembledBytes < FRAME_HEAD_BYTES) return undefined;
    }
    const frameBytes = FRAME_HEAD_BYTES + this.checked(this.assembly!.readUInt32BE(0));
    this.gather(frameBytes);
    if (this.assembledBytes < frameBytes) return undefined;
    const frame = this.assembly!.subarray(FRAME_HEAD_BYTES, frameBytes);
    this.assembly = undefined;
    this.assembledBytes = 0;
    this.sinceMs = this.pushedAtMs;
    return frame;
  }

  /** Moves bytes of the chunk to the assembly until that holds `targetBytes` or the chunk is used up. */
  private gather(targetBytes: number): void {
    const take = Math.min(targetBytes - this.assembledBytes, this.chunk.length - this.offset);
    if (take > 0) {
      this.reserve(this.assembledBytes + take, targetBytes);
      this.chunk.copy(this.assembly!, this.assembledBytes, this.offset, this.offset + take);
      this.assembledBytes += take;
      this.offset += take;
    }
    if (this.offset === this.chunk.length) this.dropChunk();
  }

  private reserve(neededBytes: number, targetBytes: number): void {
    const assembly = this.assembly!;
    if (assembly.length >= neededBytes) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(neededBytes, Math.min(targetBytes, assembly.length * 2)));
    assembly.copy(larger, 0, 0, this.assembledBytes);
    this.assembly = larger;
  }

  private checked(bytes: number): number {
    if (bytes > this.maxFrameBytes) throw frameTooLarge(bytes, this.maxFrameBytes);
    return bytes;
  }

  private dropChunk(): void {
    this.chunk = EMPTY;
    this.offset = 0;
  }
}
