import { Buffer } from 'node:buffer';
import { type Failure, failure, isCode, isPlainObject, LIMITS } from '#model';
import { pack, type SharedBody } from './encoder.js';
import { FRAME_HEAD_BYTES, frameTooLarge } from './frames.js';

/** The envelopes of Nest's TCP transport, so that a stock ClientProxy and a stock server understand ours. */
export type RequestId = string | number;

/** With an id it wants an answer or a stream of answers; without, it is an event. */
export interface RequestPacket {
  pattern: unknown;
  data?: unknown;
  id?: RequestId;
  metadata?: unknown;
}

/** One answer. `isDisposed` marks the last; an `err` is always the last. */
export interface ResponsePacket {
  id: RequestId;
  response?: unknown;
  err?: unknown;
  isDisposed?: boolean;
}

/** What a server says of a whole connection before it closes it. A stock client ignores it. */
export interface FaultPacket {
  err: Failure;
  isDisposed: true;
}

/** A stock client's ids have 21 characters; an id is echoed in every answer, so it is kept short. */
const MAX_ID_LENGTH = 128;

function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'number' || (typeof value === 'string' && value.length <= MAX_ID_LENGTH);
}

export function isRequestPacket(value: unknown): value is RequestPacket {
  if (!isPlainObject(value)) return false;
  const { pattern, id } = value;
  if (typeof pattern !== 'string' && typeof pattern !== 'number' && !isPlainObject(pattern)) return false;
  return id === undefined || isRequestId(id);
}

export function isResponsePacket(value: unknown): value is ResponsePacket {
  return isPlainObject(value) && isRequestId(value['id']) && isOptionalBoolean(value['isDisposed']);
}

export function isFaultPacket(value: unknown): value is FaultPacket {
  return isPlainObject(value) && value['id'] === undefined && isFailure(value['err']);
}

export function isFailure(value: unknown): value is Failure {
  return isPlainObject(value) && isCode(value['code']) && typeof value['message'] === 'string';
}

/** The failure that an `err` stands for, whoever sent it: stock Nest answers strings and objects of its own. */
export function toFailure(err: unknown): Failure {
  if (isFailure(err)) {
    const { code, message, retryAfterMs, details } = err;
    return {
      code,
      message,
      ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
      ...(isPlainObject(details) ? { details } : {}),
    };
  }
  if (typeof err === 'string') return failure('INTERNAL', err);
  if (isPlainObject(err) && typeof err['message'] === 'string') return failure('INTERNAL', err['message']);
  return failure('INTERNAL');
}

function isOptionalBoolean(value: unknown): boolean {
  return value === undefined || typeof value === 'boolean';
}

/** Below this, one copied buffer is cheaper than two writes. */
const COPY_BELOW_BYTES = 4096;

const ID_KEY = pack('id');
const RESPONSE_KEY = pack('response');
const DISPOSED = Buffer.concat([pack('isDisposed'), pack(true)]);

/**
 * The frame in which a shared body was last sent. Clients of one make mostly number their requests alike, so that a change
 * for thousands of them is one buffer, written to all.
 */
const lastFrames = new WeakMap<SharedBody, { id: RequestId; frame: Buffer }>();

/**
 * As `encodeResponse`, of which the answer is not the last. What is returned may be on its way to others: it is not to be
 * changed.
 */
export function encodeShared(id: RequestId, body: SharedBody, maxFrameBytes = LIMITS.frameBytes): Buffer | Buffer[] {
  const last = lastFrames.get(body);
  if (last?.id === id && last.frame.length - FRAME_HEAD_BYTES <= maxFrameBytes) return last.frame;
  const frame = encodeResponse(id, body, { maxFrameBytes });
  if (Buffer.isBuffer(frame)) lastFrames.set(body, { id, frame });
  return frame;
}

/**
 * A whole frame that answers `id` with a body which was packed before and is shared with other answers: one buffer
 * when small, else the envelope and the body itself, to be written one after the other.
 */
export function encodeResponse(
  id: RequestId,
  sharedBody: SharedBody | Uint8Array,
  options: { isDisposed?: boolean; maxFrameBytes?: number } = {},
): Buffer | Buffer[] {
  const body = sharedBody instanceof Uint8Array ? sharedBody : sharedBody.packed;
  const isDisposed = options.isDisposed === true;
  const packedId = pack(id);
  const envelopeBytes = 1 + ID_KEY.length + packedId.length + (isDisposed ? DISPOSED.length : 0) + RESPONSE_KEY.length;
  const frameBytes = envelopeBytes + body.byteLength;
  const maxFrameBytes = options.maxFrameBytes ?? LIMITS.frameBytes;
  if (frameBytes > maxFrameBytes) throw frameTooLarge(frameBytes, maxFrameBytes);

  const small = frameBytes < COPY_BELOW_BYTES;
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES + (small ? frameBytes : envelopeBytes));
  let offset = head.writeUInt32BE(frameBytes, 0);
  head[offset++] = isDisposed ? 0x83 : 0x82; // a map of three or two entries
  offset += ID_KEY.copy(head, offset);
  offset += packedId.copy(head, offset);
  if (isDisposed) offset += DISPOSED.copy(head, offset);
  offset += RESPONSE_KEY.copy(head, offset);
  if (!small) return [head, Buffer.from(body.buffer, body.byteOffset, body.byteLength)];
  head.set(body, offset);
  return head;
}
