import { ServerTCP } from '@nestjs/microservices';
import type { MessageHandler, ReadPacket } from '@nestjs/microservices';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { finalize, isObservable } from 'rxjs';
import { failure, RegistryError } from '#model';
import { type FramedSocketLimits, isRequestPacket, type RequestPacket, type ResponsePacket } from '#wire';
import { Answer } from './answer.js';
import { Connection } from './connection.js';
import { LISTEN_BACKLOG } from './listen-backlog.js';
import { RequestTallies, type RequestTally } from './request-tally.js';
import { RollcallContext } from './rollcall-context.js';
import { RollcallSocket } from './rollcall-socket.js';

export interface RollcallServerOptions {
  host: string;
  /** 0 lets the system choose; see `address`. */
  port: number;
  /** Present for TLS; with `requestCert` for mutual TLS. */
  tlsOptions?: TlsOptions;
  /** Above it a newcomer is told OVERLOADED and closed. A connection costs some 10 KB, a storm should not cost all. */
  maxConnections?: number;
  /**
   * Requests and streams of one connection that have not ended. Above it a request is answered OVERLOADED. Larger
   * than any honest client needs, subscriptions included; it bounds what one connection can make the server hold.
   */
  maxInFlight?: number;
  /**
   * A connection that has sent nothing of ours for so long is closed, so that strangers cannot hold all connections
   * for nothing. How long it may be silent afterwards is for the protocol above to say.
   */
  firstMessageTimeoutMs?: number;
  /** How long `close` lets peers take what is on its way to them. */
  drainMs?: number;
  limits?: Partial<FramedSocketLimits>;
  /** Told about every connection that opens, before its first message is read. */
  onConnection?(connection: Connection): void;
  /** Takes what there is to be said of strangers and of defects; without it, Nest's log does. */
  report?: ServerReport;
}

export interface ServerReport {
  /** What came over the connection breaks the protocol or a limit, so it was closed. */
  refused(remote: string | undefined, error: RegistryError): void;
  /** A handler threw what is no failure that anybody should be told of. */
  failed(error: unknown): void;
}

/** Takes a message past Nest; answers false for one that it leaves to Nest's handler. */
export type DirectHandler = (packet: RequestPacket, connection: Connection) => boolean;

const DEFAULTS = { maxConnections: 20_000, maxInFlight: 50_000, firstMessageTimeoutMs: 30_000, drainMs: 1_000 };

/**
 * Newcomers above `maxConnections` that are told so at the same time. More than that are closed without a word: in a
 * reconnect storm even the courtesy needs a bound.
 */
const REFUSED_AT_ONCE = 256;

/** A longer pattern is nobody's; Nest would parse it and write it out again to find that. */
const MAX_PATTERN_LENGTH = 1024;

/** Numbers connections across all servers of the process, so that a number means one connection. */
let lastConnectionId = 0;

/**
 * The server side of the transport: Nest's TCP server with what it lacks.
 * - A pattern that is a plain string is looked up as it is; Nest tries to parse each as JSON first, which throws, and
 *   took 28 % of a busy server's time.
 * - Streams end when their connection closes; Nest leaves them running for ever.
 * - Messages of one connection reach their handlers in the order they came.
 * - Whoever sends what is not of this protocol is told the code and closed; nobody else notices.
 */
export class RollcallServer extends ServerTCP {
  private readonly connections = new Set<Connection>();
  private readonly rollcall: RollcallServerOptions & typeof DEFAULTS;
  private readonly directHandlers = new Map<string, { handler: DirectHandler; tally: RequestTally }>();
  /** What has been asked here so far, and what was answered at first. */
  readonly tallies = new RequestTallies();
  private closing: Promise<void> | undefined;

  constructor(options: RollcallServerOptions) {
    const { host, port, tlsOptions } = options;
    super({ host, port, ...(tlsOptions === undefined ? {} : { tlsOptions }), socketClass: RollcallSocket });
    this.rollcall = { ...DEFAULTS, ...options };
    this.server.maxConnections = this.rollcall.maxConnections + REFUSED_AT_ONCE;
  }

  /** Where it listens. */
  get address(): AddressInfo {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('The server does not listen on a TCP port.');
    return address;
  }

  /** Above it newcomers are closed without a word. */
  get maxSockets(): number {
    return this.server.maxConnections;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Nest's own reports only two of the reasons for which a port cannot be had, and waits for ever on the others. */
  override listen(callback: (error?: unknown) => void): void {
    const onError = (error: unknown): void => callback(error);
    this.server.once('error', onError);
    this.server.listen({ port: this.port, host: this.host, backlog: LISTEN_BACKLOG }, () => {
      this.server.off('error', onError);
      callback();
    });
  }

  /**
   * Has messages of a pattern taken past Nest, whose guards, pipes, hooks and observables cost several times what has to be
   * done about a message that comes with every push.
   */
  direct(pattern: string, handler: DirectHandler): void {
    this.directHandlers.set(pattern, { handler, tally: this.tallies.of(pattern) });
  }

  /** Takes no more connections, lets the answers on their way go out, and closes all. */
  override close(): Promise<void> {
    return (this.closing ??= this.closeGracefully());
  }

  private async closeGracefully(): Promise<void> {
    this.isManuallyTerminated = true;
    const timer = setTimeout(() => this.closeOpenSockets(), this.rollcall.drainMs);
    const ends = [...this.connections].map(
      (connection) =>
        new Promise<void>((resolve) => {
          connection.onClose(resolve);
          connection.close();
        }),
    );
    if (this.server.listening) ends.push(new Promise((resolve) => this.server.close(() => resolve())));
    await Promise.all(ends);
    clearTimeout(timer);
  }

  override bindHandler(netSocket: Socket): void {
    this.trackOpenSocket(netSocket);
    const socket = new RollcallSocket(netSocket, {
      ...(this.rollcall.limits === undefined ? {} : { limits: this.rollcall.limits }),
      pauseWhileBackedUp: true,
      onFault: (error) => this.refuse(connection, error),
    });
    const connection = new Connection(++lastConnectionId, socket);
    if (this.connections.size >= this.rollcall.maxConnections) {
      connection.close(new RegistryError('OVERLOADED', 'The server has all the connections it takes.'));
      return;
    }
    this.connections.add(connection);
    connection.onClose(() => this.connections.delete(connection));
    this.rollcall.onConnection?.(connection);
    this.awaitFirstMessage(connection);
    socket.on('message', (packet: unknown) => this.receive(connection, packet));
  }

  /** By itself, so that nothing of this is held by what listens to the connection for as long as it lives. */
  private awaitFirstMessage(connection: Connection): void {
    const timer = setTimeout(
      () => connection.close(new RegistryError('DEADLINE_EXCEEDED', 'The connection was opened and not used.')),
      this.rollcall.firstMessageTimeoutMs,
    );
    timer.unref();
    const settle = (): void => {
      clearTimeout(timer);
      forget();
    };
    const forget = connection.onClose(settle);
    connection.socket.once('message', settle);
  }

  /** A string is looked up first; a stock client sends other patterns as objects, or as their JSON. */
  override getHandlerByPattern(pattern: string): MessageHandler | null {
    const handler = this.messageHandlers.get(pattern);
    if (handler !== undefined) return handler;
    const mayBeJson = pattern.startsWith('{') && pattern.length <= MAX_PATTERN_LENGTH;
    return mayBeJson ? super.getHandlerByPattern(pattern) : null;
  }

  /** Called by the constructor of the base. What keeps it from listening is the caller's to report, once. */
  protected override registerErrorListener(server: Server): void {
    server.on('error', (error) => {
      if (server.listening) this.handleError(error as never);
    });
  }

  private receive(connection: Connection, packet: unknown): void {
    if (!isRequestPacket(packet)) {
      connection.socket.framed.refuse(
        new RegistryError('BAD_FRAME', 'A message has a pattern and, for an answer, an id.'),
      );
      return;
    }
    if (typeof packet.pattern === 'string' && this.isTaken(packet.pattern, packet, connection)) return;
    // Runs up to the handler without yielding, so that messages are handled in the order they came.
    void this.handle(connection, packet).catch((error) => this.handleError(error));
  }

  private isTaken(pattern: string, packet: RequestPacket, connection: Connection): boolean {
    const direct = this.directHandlers.get(pattern);
    if (direct === undefined) return false;
    const { handler, tally } = direct;
    const startedAtMs = tally.sampledAtMs();
    try {
      const isTaken = handler(packet, connection);
      if (!isTaken) return false;
      tally.count('OK');
      if (startedAtMs !== undefined) tally.sampled(startedAtMs);
      return true;
    } catch (error) {
      tally.count('INTERNAL');
      this.handleError(error as string);
      return true;
    }
  }

  private async handle(connection: Connection, packet: RequestPacket): Promise<void> {
    const pattern = this.getPatternAsString(packet.pattern);
    const { id } = packet;
    if (id === undefined) {
      const context = new RollcallContext(connection, pattern, packet, undefined);
      // Nobody waits for an answer, and a log line for each would be a gift to a stranger.
      if (this.getHandlerByPattern(pattern) !== null) await this.handleEvent(pattern, packet as ReadPacket, context);
      return;
    }
    const handler = this.getHandlerByPattern(pattern);
    const answer = new Answer(connection, id, this.onDefect, this.tallies.of(handler === null ? undefined : pattern));
    const context = new RollcallContext(connection, pattern, packet, answer);
    if (handler === null) {
      const details = { pattern: pattern.slice(0, 256) };
      answer.fail(failure('UNKNOWN_PATTERN', undefined, { details }));
    } else if (connection.inFlight > this.rollcall.maxInFlight) {
      answer.fail(failure('OVERLOADED', 'The connection has all the requests in flight that it may have.'));
    } else {
      try {
        await this.answerBy(handler, packet, context, answer);
      } catch (error) {
        answer.fail(error);
      }
    }
  }

  /**
   * As Nest's `handleRequest` does it, but that an answer which is no stream is not made one, with six observables on its way. That took
   * a session server an eighth of its time for a registration (`register`: 128 us instead of 111, two runs of either, in turns).
   */
  private async answerBy(
    handler: MessageHandler,
    packet: RequestPacket,
    context: RollcallContext,
    answer: Answer,
  ): Promise<void> {
    await this.runWithProcessingHooks(context, async (end) => {
      const result: unknown = await handler(packet.data, context);
      if (isObservable(result)) {
        this.send(answer.open(result).pipe(finalize(end)), (data) => answer.send(data as Partial<ResponsePacket>));
        return;
      }
      end();
      answer.only(result);
    });
  }

  private readonly onDefect = (error: unknown): void => {
    const { report } = this.rollcall;
    if (report) report.failed(error);
    else this.handleError(error as string);
  };

  private refuse(connection: Connection, error: RegistryError): void {
    const { report } = this.rollcall;
    if (report) report.refused(connection.remoteAddress, error);
    else this.logger.warn(`Connection from ${connection.remoteAddress} closed: ${error.code}: ${error.message}`);
    connection.close(error);
  }
}
