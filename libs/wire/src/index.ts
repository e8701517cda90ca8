export { encodeBody, decodeBody } from './body.js';
export { compressed, ENCODINGS, expanded } from './compression.js';
export { DECODE_LIMITS, unpack } from './decoder.js';
export { pack, SharedBody, Spliced } from './encoder.js';
export {
  FRAMED_SOCKET_LIMITS,
  FramedSocket,
  type FramedSocketLimits,
  type FramedSocketOptions,
} from './framed-socket.js';
export { encodeFrame, encodeFrameParts, FRAME_HEAD_BYTES, FrameDecoder } from './frames.js';
export {
  encodeResponse,
  encodeShared,
  type FaultPacket,
  isFailure,
  isFaultPacket,
  isRequestPacket,
  isResponsePacket,
  type RequestId,
  type RequestPacket,
  type ResponsePacket,
  toFailure,
} from './packets.js';
export { readTurns } from './read-turns.js';
export { closeLater } from './write-turns.js';
