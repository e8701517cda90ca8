import { type Socket, connect } from 'node:net';
import { once } from 'node:events';
import { pack, unpack } from 'msgpackr';

/** A 4-byte big-endian length and the message, as one buffer. */
export function frame(message: unknown): Buffer {
  const body = pack(message);
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

/** A client of either system: what it costs the harness to write and to read a message is the same for both. */
export class WireClient {
  onMessage: (message: unknown) => void = () => {};

  static async open(port: number): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  private constructor(readonly socket: Socket) {
    const reader = new FrameReader((message) => this.onMessage(message));
    socket.on('data', (chunk) => reader.push(chunk));
    socket.on('error', () => socket.destroy());
  }

  send(message: unknown): void {
    this.sendFrame(frame(message));
  }

  sendFrame(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.destroy();
  }
}
