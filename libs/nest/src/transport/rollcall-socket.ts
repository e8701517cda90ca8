import { TcpSocket } from '@nestjs/microservices';
import type { Socket } from 'node:net';
import { isPlainObject, RegistryError } from '#model';
import { encodeResponse, encodeShared, FramedSocket, type FramedSocketLimits, type RequestId, SharedBody } from '#wire';

export interface RollcallSocketOptions {
  limits?: Partial<FramedSocketLimits>;
  /** Only for the accepting side; see FramedSocketOptions. */
  pauseWhileBackedUp?: boolean;
  /** Called once when the peer sent what is not of this protocol. By default the socket is destroyed. */
  onFault?(error: RegistryError): void;
}

/**
 * The socket of Nest's TCP transport with our frames in it, for either end: `socketClass` of a stock ClientProxy, and
 * what RollcallServer reads from. It bounds itself, because Nest's own bounds live in its JSON socket.
 */
export class RollcallSocket extends TcpSocket {
  readonly framed: FramedSocket;

  constructor(socket: Socket, options: RollcallSocketOptions = {}) {
    super(socket);
    const onFault = options.onFault ?? ((error: RegistryError): void => this.framed.abort(error));
    this.framed = new FramedSocket(socket, {
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.pauseWhileBackedUp === undefined ? {} : { pauseWhileBackedUp: options.pauseWhileBackedUp }),
      onMessage: (message) => {
        // Nest takes a message apart without looking whether it is an object.
        if (isPlainObject(message)) socket.emit('message', message);
        else this.framed.refuse(new RegistryError('BAD_FRAME', 'A message is a map.'));
      },
      onFault,
    });
  }

  protected override handleData(data: Buffer | string): void {
    this.framed.receive(data as Buffer);
  }

  protected override handleSend(message: unknown, callback?: (error?: unknown) => void): void {
    if (isSharedAnswer(message)) this.respondShared(message.id, message.response, message.isDisposed);
    else this.framed.send(message);
    callback?.();
  }

  /** Answers a request with a body that was encoded before, for this connection and others. */
  respondShared(id: RequestId, body: SharedBody | Uint8Array, isDisposed = false): void {
    const { maxFrameBytes } = this.framed.limits;
    this.framed.write(
      body instanceof SharedBody && !isDisposed
        ? encodeShared(id, body, maxFrameBytes)
        : encodeResponse(id, body, { isDisposed, maxFrameBytes }),
    );
  }
}

function isSharedAnswer(message: unknown): message is { id: RequestId; response: SharedBody; isDisposed?: boolean } {
  return (message as { response?: unknown }).response instanceof SharedBody;
}
