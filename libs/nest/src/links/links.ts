import type { ConnectionOptions } from 'node:tls';
import { NEVER, type Observable } from 'rxjs';
import {
  type DialFailure,
  type Failure,
  failure,
  type LinkEffect,
  type LinkEvent,
  type LinkId,
  type PeerHello,
  RegistryError,
  type ServerRole,
} from '#model';
import { RpcConnection } from '#client';
import { parseAddress } from '../config/address.js';
import type { Connection } from '../transport/connection.js';
import type { RollcallContext } from '../transport/rollcall-context.js';
import type { RollcallServer } from '../transport/rollcall-server.js';
import { readHello } from './hello.js';
import { Link } from './link.js';

export interface LinkLimits {
  connectTimeoutMs: number;
  /** From the open connection to the peer's hello. */
  helloTimeoutMs: number;
  /** Bytes that may wait for a peer, and the largest single message. Above it the link is closed. */
  maxBufferedBytes: number;
}

export interface LinksOptions<Received> {
  /** Two kinds of links over one port need two names; `link` by default. */
  name?: string;
  /** What this server says of itself, asked anew for every link. */
  hello: () => PeerHello;
  /** Told what happens, never from within `perform`. */
  onEvent: (event: LinkEvent<Received>) => void;
  limits?: Partial<LinkLimits>;
  /** Roles with which a link is kept; all by default. */
  acceptRoles?: readonly ServerRole[];
  /** Why there can be no link with whoever says so of itself. */
  refuse?: (hello: PeerHello) => Failure | undefined;
  /** For the links that are dialled. */
  tls?: ConnectionOptions;
}

/** Something whose links a server accepts. */
export interface LinkAcceptor {
  accept(server: RollcallServer): void;
}

const LIMITS: LinkLimits = { connectTimeoutMs: 3_000, helloTimeoutMs: 3_000, maxBufferedBytes: 64 * 1024 * 1024 };

/**
 * The links of one server to its peers, those it dials and those it accepts, behind the effects and events that the
 * cores know. Messages sent in one turn travel as one frame and arrive one event each, in order.
 */
export class Links<Sent, Received> implements LinkAcceptor {
  private readonly limits: LinkLimits;
  /** The two patterns of a link. The stream of the first carries what the accepting side sends. */
  private readonly patterns: { open: string; send: string };
  private readonly links = new Map<LinkId, Link<Received>>();
  private readonly inbound = new WeakMap<Connection, Link<Received>>();
  /** Connections that were dialled, hello or no hello, so that closing can wait for them. */
  private readonly dialled = new Set<RpcConnection>();
  /** Rises with `hangUpAll`: a dial begun before it comes to nothing, silently. */
  private generation = 0;
  private isClosed = false;
  private overflowed = 0;

  constructor(private readonly options: LinksOptions<Received>) {
    this.limits = { ...LIMITS, ...options.limits };
    const { name = 'link' } = options;
    this.patterns = { open: `${name}.open`, send: `${name}.send` };
  }

  get count(): number {
    return this.links.size;
  }

  /** Links that were closed since their peer did not read what was sent to it. */
  get overflows(): number {
    return this.overflowed;
  }

  /** Lets peers open links over `server`. Call it before the server listens. */
  accept(server: RollcallServer): void {
    const { open, send } = this.patterns;
    server.addHandler(open, (hello: unknown, context: RollcallContext) => this.onOpen(hello, context) as never);
    server.direct(send, ({ data }, connection) => {
      this.onSend(data, connection);
      return true;
    });
  }

  perform(effect: LinkEffect<Sent>): void {
    switch (effect.type) {
      case 'dial':
        if (!this.isClosed) void this.dial(effect.address);
        return;
      case 'hangUp':
        this.links.get(effect.link)?.hangUp(effect.reason);
        return;
      case 'send':
        if (this.links.get(effect.link)?.send(effect.message) === false) this.overflowed++;
    }
  }

  /**
   * Closes every link and gives up every dial without any event: for a core that is replaced by a new one, which
   * knows none of them.
   */
  hangUpAll(reason: string): void {
    this.generation++;
    for (const link of this.links.values()) link.silence(reason);
    this.links.clear();
    for (const connection of this.dialled) connection.close();
  }

  /** As `hangUpAll`, and nothing is dialled or accepted any more. Resolves when what was dialled has closed. */
  async close(): Promise<void> {
    this.isClosed = true;
    const ends = [...this.dialled].map((connection) => new Promise((resolve) => connection.onClose(resolve)));
    this.hangUpAll('The server is closing.');
    await Promise.all(ends);
  }

  private readonly report = (event: LinkEvent<Received>): void => {
    // A link that `hangUpAll` has forgotten is none that anybody knows.
    if (event.type === 'linkDown' && !this.links.delete(event.link)) return;
    this.options.onEvent(event);
  };

  private keep(channel: ConstructorParameters<typeof Link>[0]): Link<Received> {
    const link = new Link<Received>(channel, this.limits.maxBufferedBytes, this.report);
    this.links.set(link.id, link);
    return link;
  }

  private read(value: unknown, own: PeerHello): ReturnType<typeof readHello> {
    const read = readHello(value, own, this.options.acceptRoles);
    const refusal = 'hello' in read ? this.options.refuse?.(read.hello) : undefined;
    return refusal ? { refusal } : read;
  }

  // ---- accepting ----

  /** Runs without yielding, so that what the peer sends right behind its hello finds the link. */
  private onOpen(value: unknown, { connection, requestId }: RollcallContext): Observable<never> {
    if (this.isClosed) throw new RegistryError('SHUTTING_DOWN');
    if (requestId === undefined || this.inbound.has(connection))
      throw new RegistryError('BAD_REQUEST', 'A link is opened by one request, and once on a connection.');
    const own = this.options.hello();
    const read = this.read(value, own);
    if ('refusal' in read) throw RegistryError.from(read.refusal);
    const link = this.keep({
      get bufferedBytes() {
        return connection.bufferedBytes;
      },
      transmit: (items) => connection.respond({ id: requestId, response: items }),
      close: () => connection.close(),
    });
    this.inbound.set(connection, link);
    connection.onClose(() => link.lost());
    connection.respond({ id: requestId, response: own });
    link.announce('in', connection.remoteAddress, read.hello);
    // What is sent goes out through the channel. The stream only keeps the request open as long as the connection.
    return NEVER;
  }

  private onSend(batch: unknown, connection: Connection): void {
    try {
      const link = this.inbound.get(connection);
      if (link === undefined) throw new RegistryError('BAD_REQUEST', 'A link begins with a hello.');
      link.receive(batch);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      connection.close(error);
    }
  }

  // ---- dialling ----

  private async dial(address: string): Promise<void> {
    const { generation } = this;
    let connection: RpcConnection;
    try {
      // Awaited even where it fails at once, since nothing may be reported from within `perform`.
      connection = await this.connect(address);
    } catch (error) {
      if (generation === this.generation) this.dialFailed(address, reasonOfConnect(error), error as Error);
      return;
    }
    if (generation !== this.generation || this.isClosed) {
      connection.close();
      return;
    }
    this.dialled.add(connection);
    connection.onClose(() => this.dialled.delete(connection));
    this.sayHello(address, connection, generation);
  }

  private connect(address: string): Promise<RpcConnection> {
    const hostPort = parseAddress(address);
    if (hostPort === undefined)
      return Promise.reject(new RegistryError('BAD_REQUEST', `${address} is not of the form host:port.`));
    return RpcConnection.connect({
      ...hostPort,
      connectTimeoutMs: this.limits.connectTimeoutMs,
      limits: { maxBufferedBytes: this.limits.maxBufferedBytes },
      ...(this.options.tls === undefined ? {} : { tls: this.options.tls }),
    });
  }

  private sayHello(address: string, connection: RpcConnection, generation: number): void {
    let link: Link<Received> | undefined;
    let settled = false;
    const end = (reason: DialFailure, error: Error): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      connection.close();
      if (generation === this.generation) this.dialFailed(address, reason, error);
    };
    const timer = setTimeout(
      () => end('unreachable', new RegistryError('DEADLINE_EXCEEDED', `${address} said no hello.`)),
      this.limits.helloTimeoutMs,
    );
    const own = this.options.hello();
    connection.stream(this.patterns.open, own, {
      next: (value) => {
        if (link !== undefined) {
          this.receive(link, value, connection);
          return;
        }
        if (settled) return;
        // Asked again: while the dial was under way this server may have joined a cluster.
        const read = this.read(value, this.options.hello());
        if ('refusal' in read) {
          end('rejected', RegistryError.from(read.refusal));
          return;
        }
        settled = true;
        clearTimeout(timer);
        link = this.keep({
          get bufferedBytes() {
            return connection.bufferedBytes;
          },
          transmit: (items) => connection.emit(this.patterns.send, items),
          close: () => connection.close(),
        });
        link.announce('out', address, read.hello);
      },
      error: (error) => {
        end(reasonOfHello(error), error);
        link?.lost();
        connection.close();
      },
      complete: () => {
        end('rejected', RegistryError.from(failure('CONNECTION_CLOSED', `${address} ended the link at once.`)));
        link?.lost();
        connection.close();
      },
    });
  }

  /** What a peer sends that is not of the protocol ends the link with it. */
  private receive(link: Link<Received>, batch: unknown, connection: RpcConnection): void {
    try {
      link.receive(batch);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      connection.close();
    }
  }

  private dialFailed(address: string, reason: DialFailure, error: Error): void {
    const code = reason === 'rejected' && error instanceof RegistryError ? { code: error.code } : {};
    this.options.onEvent({ type: 'dialFailed', address, reason, message: error.message, ...code });
  }
}

/** Only a refused connection proves that nobody is there; silence never does. */
function reasonOfConnect(error: unknown): DialFailure {
  const cause = (error as { cause?: { code?: unknown } }).cause;
  return cause?.code === 'ECONNREFUSED' ? 'refused' : 'unreachable';
}

/** A connection that broke before the hello says nothing; any other failure is the peer's no. */
function reasonOfHello(error: RegistryError): DialFailure {
  return error.code === 'CONNECTION_CLOSED' ? 'unreachable' : 'rejected';
}
