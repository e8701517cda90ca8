import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { LIMITS, RegistryError } from '#model';
import { unpack } from './decoder.js';
import type { FaultPacket } from './packets.js';
import { encodeFrameParts, FrameDecoder } from './frames.js';
import { readTurns } from './read-turns.js';
import { flushLater } from './write-turns.js';

export interface FramedSocketLimits {
  /** The largest frame read or written. */
  maxFrameBytes: number;
  /**
   * A frame must be complete this long after its first byte, however it dribbles in; otherwise strangers could hold
   * a frame's worth of memory each for as long as they like. 16 MiB in 30 s is 4.5 Mbit/s.
   */
  frameTimeoutMs: number;
  /**
   * Bytes that may wait for a peer that does not read. Above it the connection is destroyed: whoever is that far
   * behind is better served by starting anew. Four of the largest frames, so that one large answer never trips it.
   */
  maxBufferedBytes: number;
  /**
   * How long the socket stays after its last word, discarding what still arrives: closing with unread bytes would
   * reset the connection, and the reset would overtake the word.
   */
  lingerMs: number;
}

export const FRAMED_SOCKET_LIMITS: FramedSocketLimits = {
  maxFrameBytes: LIMITS.frameBytes,
  frameTimeoutMs: 30_000,
  maxBufferedBytes: 4 * LIMITS.frameBytes,
  lingerMs: 1_000,
};

export interface FramedSocketOptions {
  limits?: Partial<FramedSocketLimits>;
  /**
   * Stops reading while the peer does not drain what was written, so that it cannot ask for ever more. Only one side
   * of a connection may do so, the accepting one: if both did, two peers that write much would wait for each other.
   */
  pauseWhileBackedUp?: boolean;
  onMessage(value: unknown): void;
  /** The peer sent what is no frame of ours, or not in time. Nothing more is read; the owner closes the socket. */
  onFault(error: RegistryError): void;
}

/** Small frames written in one turn are copied together up to this size; larger buffers go out as they are. */
const COALESCE_BELOW_BYTES = 4096;
const COALESCED_WRITE_BYTES = 64 * 1024;
/** Above this the socket gets its bytes at once, so that the kernel can take them while the turn goes on. */
const FLUSH_ABOVE_BYTES = 256 * 1024;
/** A peer that vanished without a word is noticed by the kernel at the latest. */
const KEEP_ALIVE_AFTER_MS = 30_000;

/** Frames over one TCP (or TLS) socket, both ways, with every bound that a stranger at the other end makes necessary. */
export class FramedSocket {
  readonly limits: FramedSocketLimits;
  private readonly decoder: FrameDecoder;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private pausedForDrain = false;
  private ended = false;
  private frameTimer: NodeJS.Timeout | undefined;
  private lingerTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly socket: Socket,
    private readonly options: FramedSocketOptions,
  ) {
    this.limits = options.limits === undefined ? FRAMED_SOCKET_LIMITS : { ...FRAMED_SOCKET_LIMITS, ...options.limits };
    this.decoder = new FrameDecoder(this.limits);
    // With Nagle's algorithm a push behind an acknowledgement waits about 40 ms.
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    socket.once('close', () => this.release());
  }

  /** Bytes handed over for sending that the kernel has not taken. */
  get bufferedBytes(): number {
    return this.pendingBytes + this.socket.writableLength;
  }

  /** True while the peer takes less than is written. */
  get backedUp(): boolean {
    return this.socket.writableNeedDrain || this.pendingBytes > this.socket.writableHighWaterMark;
  }

  /** Hands in what the socket has read. */
  receive(chunk: Buffer): void {
    if (this.ended) return;
    readTurns.noteRead();
    this.decoder.push(chunk, performance.now());
    for (;;) {
      let message: unknown;
      try {
        const frame = this.decoder.next();
        if (frame === undefined) break;
        message = unpack(frame);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        this.refuse(error);
        return;
      }
      this.options.onMessage(message);
      if (this.ended) return;
    }
    this.watchIncompleteFrame();
  }

  /** Sends one value as a frame. Throws FRAME_TOO_LARGE, or what cannot be encoded; nothing is sent then. */
  send(value: unknown): void {
    this.write(encodeFrameParts(value, this.limits.maxFrameBytes));
  }

  /**
   * Sends frames that are encoded already. What is written in one turn goes to the socket in one write, unless so many
   * sockets are written to that the first of them should not wait for the last; see write-turns.ts.
   */
  write(frames: Buffer | readonly Buffer[]): void {
    if (this.ended || this.socket.destroyed) return;
    if (Buffer.isBuffer(frames)) this.enqueue(frames);
    else for (const part of frames) this.enqueue(part);
    if (this.pendingBytes > FLUSH_ABOVE_BYTES) this.flush();
    if (this.bufferedBytes > this.limits.maxBufferedBytes) {
      this.abort(
        new RegistryError('OVERLOADED', 'The peer does not read what is sent to it; the connection is closed.'),
      );
    } else if (this.pending.length > 0) flushLater(this);
  }

  /** Calls `listener` once when the kernel has taken everything, in this tick's microtasks if it has already. */
  whenDrained(listener: () => void): void {
    this.flush();
    if (this.socket.writableNeedDrain) this.socket.once('drain', listener);
    else queueMicrotask(listener);
  }

  /** Says an optional last word and closes; what was written before still goes out. */
  end(error?: RegistryError): void {
    if (this.ended) return;
    if (error !== undefined) {
      const fault: FaultPacket = { err: error.toFailure(), isDisposed: true };
      this.send(fault);
    }
    this.flush();
    this.ended = true;
    if (this.socket.destroyed) return;
    this.socket.end();
    // Reading goes on, and what arrives is discarded.
    this.socket.resume();
    this.lingerTimer = setTimeout(() => this.socket.destroy(), this.limits.lingerMs);
    this.lingerTimer.unref();
  }

  /** Closes at once; what was written may be lost. The socket emits `error` with the reason. */
  abort(error?: Error): void {
    this.ended = true;
    this.socket.destroy(error);
  }

  /** Stops reading for good, because what came is not of this protocol, and tells the owner, who closes. */
  refuse(error: RegistryError): void {
    if (this.ended) return;
    this.options.onFault(error);
    this.ended = true;
  }

  private enqueue(part: Buffer): void {
    this.pending.push(part);
    this.pendingBytes += part.length;
  }

  /** Hands to the socket what is waiting. */
  flush(): void {
    if (this.pending.length === 0) return;
    const parts = this.pending;
    this.pending = [];
    this.pendingBytes = 0;
    if (this.socket.destroyed) return;
    if (parts.length === 1) this.socket.write(parts[0]!);
    else this.writeTogether(parts);
    if (this.options.pauseWhileBackedUp === true && this.socket.writableNeedDrain) this.pauseUntilDrained();
  }

  private writeTogether(parts: Buffer[]): void {
    const socket = this.socket;
    socket.cork();
    let small: Buffer[] = [];
    let smallBytes = 0;
    const writeSmall = (): void => {
      if (small.length > 0) socket.write(small.length === 1 ? small[0]! : Buffer.concat(small, smallBytes));
      small = [];
      smallBytes = 0;
    };
    for (const part of parts) {
      if (part.length >= COALESCE_BELOW_BYTES) {
        writeSmall();
        socket.write(part);
        continue;
      }
      if (smallBytes + part.length > COALESCED_WRITE_BYTES) writeSmall();
      small.push(part);
      smallBytes += part.length;
    }
    writeSmall();
    socket.uncork();
  }

  private pauseUntilDrained(): void {
    if (this.pausedForDrain) return;
    this.pausedForDrain = true;
    this.socket.pause();
    this.socket.once('drain', () => {
      this.pausedForDrain = false;
      // It was not the peer that kept a frame from being completed.
      this.decoder.restartClock(performance.now());
      this.socket.resume();
    });
  }

  /** One timer a connection, armed when a frame is found incomplete and not touched again until it fires. */
  private watchIncompleteFrame(): void {
    if (this.frameTimer !== undefined || this.decoder.incompleteSinceMs === undefined) return;
    this.armFrameTimer(this.limits.frameTimeoutMs);
  }

  private armFrameTimer(delayMs: number): void {
    this.frameTimer = setTimeout(() => {
      // If this process stood still, what arrived meanwhile is read before the verdict.
      setImmediate(() => this.judgeIncompleteFrame());
    }, delayMs);
    this.frameTimer.unref();
  }

  private judgeIncompleteFrame(): void {
    this.frameTimer = undefined;
    const sinceMs = this.decoder.incompleteSinceMs;
    if (this.ended || this.socket.destroyed || sinceMs === undefined) return;
    const leftMs = this.pausedForDrain
      ? this.limits.frameTimeoutMs
      : sinceMs + this.limits.frameTimeoutMs - performance.now();
    if (leftMs > 0) this.armFrameTimer(Math.ceil(leftMs));
    else this.refuse(new RegistryError('FRAME_INCOMPLETE'));
  }

  private release(): void {
    clearTimeout(this.frameTimer);
    clearTimeout(this.lingerTimer);
    this.pending = [];
    this.pendingBytes = 0;
  }
}
