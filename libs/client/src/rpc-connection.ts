import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { RegistryError } from '#model';
import {
  FramedSocket,
  type FramedSocketLimits,
  isFaultPacket,
  isResponsePacket,
  type RequestPacket,
  type ResponsePacket,
  toFailure,
} from '#wire';

export interface RpcConnectOptions {
  host: string;
  port: number;
  /** From the first packet to an open connection, TLS included. */
  connectTimeoutMs?: number;
  /** Present for TLS, an empty object included. */
  tls?: ConnectionOptions;
  limits?: Partial<FramedSocketLimits>;
}

export interface StreamListener {
  next(value: unknown): void;
  /** The server refused or the connection closed; nothing follows. */
  error(error: RegistryError): void;
  /** The server ended the stream; nothing follows. */
  complete(): void;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 3_000;
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;

/**
 * What is read from any connection without TLS, one read at a time: all of it is decoded, or copied, before the next. Left to
 * itself, a socket of Node makes a buffer of its own for each read.
 */
const READ = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * One TCP connection to a Nest server that uses RollcallSocket: requests, streams and events in the envelopes of
 * Nest's own ClientTCP, without Nest. It does not reconnect; its owner does.
 *
 * What is sent in one turn leaves in one write. It never stops reading: only the accepting side may
 * (see FramedSocketOptions.pauseWhileBackedUp).
 */
export class RpcConnection {
  private readonly framed: FramedSocket;
  private readonly waiting = new Map<number, Waiting>();
  private readonly closeListeners = new Set<(reason: RegistryError) => void>();
  private nextId = 1;
  /** Why the connection ended or is about to. */
  private reason: RegistryError | undefined;
  private isClosed = false;

  /** Opens a connection. Rejects with CONNECTION_CLOSED, the system's error as its cause, or DEADLINE_EXCEEDED. */
  static connect(options: RpcConnectOptions): Promise<RpcConnection> {
    const { host, port, tls, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
    let connection: RpcConnection | undefined;
    const onread: OnReadOpts = {
      buffer: READ,
      callback: (bytes) => {
        connection?.framed.receive(READ.subarray(0, bytes));
        return true;
      },
    };
    const socket = tls === undefined ? connectTcp({ host, port, onread }) : connectTls({ ...tls, host, port });
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        socket.off('error', onError);
        socket.off('close', onClose);
      };
      const fail = (error: RegistryError): void => {
        settle();
        socket.on('error', () => undefined);
        socket.destroy();
        reject(error);
      };
      const onError = (cause: Error): void =>
        fail(new RegistryError('CONNECTION_CLOSED', `${host}:${port} cannot be reached: ${cause.message}`, { cause }));
      const onClose = (): void =>
        fail(new RegistryError('CONNECTION_CLOSED', `${host}:${port} closed the connection at once.`));
      const timer = setTimeout(
        () => fail(new RegistryError('DEADLINE_EXCEEDED', `${host}:${port} did not answer in ${connectTimeoutMs} ms.`)),
        connectTimeoutMs,
      );
      socket.once('error', onError);
      socket.once('close', onClose);
      socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
        settle();
        connection = new RpcConnection(socket, options.limits);
        if (tls !== undefined) socket.on('data', (chunk) => connection!.framed.receive(chunk));
        resolve(connection);
      });
    });
  }

  private constructor(
    private readonly socket: Socket,
    limits: Partial<FramedSocketLimits> | undefined,
  ) {
    this.framed = new FramedSocket(socket, {
      ...(limits === undefined ? {} : { limits }),
      onMessage: (message) => this.receive(message),
      onFault: (error) => this.framed.abort(error),
    });
    socket.on('error', (cause) => {
      this.reason ??=
        cause instanceof RegistryError ? cause : new RegistryError('CONNECTION_CLOSED', cause.message, { cause });
    });
    socket.once('close', () => this.finish());
  }

  /** Bytes sent that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.framed.bufferedBytes;
  }

  /** True from the moment nothing can be sent any more. */
  get closed(): boolean {
    return this.isClosed || this.reason !== undefined || this.socket.destroyed;
  }

  /** The answer, or a RegistryError: the server's, DEADLINE_EXCEEDED, or CONNECTION_CLOSED. */
  request(pattern: string, payload: unknown, options: { timeoutMs?: number } = {}): Promise<unknown> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new RegistryError('DEADLINE_EXCEEDED', `No answer to ${pattern} came within ${timeoutMs} ms.`));
      }, timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        this.waiting.delete(id);
      };
      this.open(
        id,
        { pattern, data: payload, id },
        {
          next: (value) => {
            settle();
            resolve(value);
          },
          error: (error) => {
            settle();
            reject(error);
          },
          // A handler without a result answers with nothing but the end.
          complete: () => {
            settle();
            resolve(undefined);
          },
        },
      );
    });
  }

  /**
   * Every answer to one request, in order. The function returned stops listening, and that is all it does: the
   * server is not told, so a subscription is ended by the request that the protocol has for it.
   */
  stream(pattern: string, payload: unknown, listener: StreamListener): () => void {
    const id = this.nextId++;
    this.open(id, { pattern, data: payload, id }, listener);
    return () => void this.waiting.delete(id);
  }

  /** Sends what wants no answer. On a closed connection it is lost, like anything sent just before it closed. */
  emit(pattern: string, payload: unknown): void {
    if (!this.closed) this.framed.send({ pattern, data: payload } satisfies RequestPacket);
  }

  /** Calls `listener` once when the connection has closed, or soon if it has already. */
  onClose(listener: (reason: RegistryError) => void): () => void {
    if (this.isClosed) queueMicrotask(() => listener(this.closeReason()));
    else this.closeListeners.add(listener);
    return () => void this.closeListeners.delete(listener);
  }

  /** Sends what is waiting, then closes. */
  close(): void {
    this.reason ??= new RegistryError('CONNECTION_CLOSED', 'The connection was closed on this side.');
    this.framed.end();
  }

  private open(id: number, packet: RequestPacket, listener: Waiting): void {
    if (this.closed) {
      queueMicrotask(() => listener.error(this.closeReason()));
      return;
    }
    this.waiting.set(id, listener);
    try {
      this.framed.send(packet);
    } catch (cause) {
      this.waiting.delete(id);
      const error =
        cause instanceof RegistryError
          ? cause
          : new RegistryError('BAD_REQUEST', 'The payload cannot be encoded.', { cause });
      queueMicrotask(() => listener.error(error));
    }
  }

  private receive(message: unknown): void {
    if (isResponsePacket(message)) this.answer(message);
    else if (isFaultPacket(message)) this.reason ??= RegistryError.from(message.err);
    else this.framed.abort(new RegistryError('BAD_FRAME', 'The server sent what is not an answer.'));
  }

  private answer({ id, response, err, isDisposed }: ResponsePacket): void {
    const listener = this.waiting.get(id as number);
    if (listener === undefined) return;
    if (err !== undefined && err !== null) {
      this.waiting.delete(id as number);
      call(() => listener.error(RegistryError.from(toFailure(err))));
      return;
    }
    if (isDisposed === true) this.waiting.delete(id as number);
    if (response !== undefined || isDisposed !== true) call(() => listener.next(response));
    if (isDisposed === true) call(() => listener.complete());
  }

  private finish(): void {
    this.isClosed = true;
    const reason = this.closeReason();
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const listener of waiting) call(() => listener.error(reason));
    const closeListeners = [...this.closeListeners];
    this.closeListeners.clear();
    for (const listener of closeListeners) call(() => listener(reason));
  }

  private closeReason(): RegistryError {
    return (this.reason ??= new RegistryError('CONNECTION_CLOSED', 'The server closed the connection.'));
  }
}

type Waiting = StreamListener;

/** A listener that throws is its owner's defect: it is reported as such, and costs nobody else anything. */
function call(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
