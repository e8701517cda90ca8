import { Observable, type Subscriber } from 'rxjs';
import { type ClientResult, type Notice, RegistryError } from '#model';
import type { Connection, RollcallServer } from '#nest';
import { type EdgeContext, parseClientMessage, presentReply } from '#registry';
import { type RequestId, decodeBody } from '#wire';
import { accepted } from '../edge.js';
import { sharedPush } from '../frames.js';
import { type PacedFrame, PushPacer } from '../push-pacer.js';
import type { ConnectionSink, SessionHost } from '../session.host.js';

/** Translates between RPC connections and the session core, one {@link RpcClient} a connection. */
export class RpcClients {
  private readonly clients = new WeakMap<Connection, RpcClient>();

  constructor(
    private readonly host: SessionHost,
    private readonly edge: EdgeContext,
  ) {}

  /** What comes with every push, and from every client that is idle, is taken as it comes; see RollcallServer. */
  accept(server: RollcallServer): void {
    server.direct('registry.ack', ({ id, data }, connection) => {
      // One who wants to know what became of it gets an answer, like any other.
      const client = id === undefined ? this.clients.get(connection) : undefined;
      client?.ack(data);
      return client !== undefined;
    });
    server.direct('registry.heartbeat', ({ id }, connection) => {
      const client = this.clients.get(connection);
      client?.heard();
      if (client && id !== undefined) connection.respond({ id, response: {}, isDisposed: true });
      return client !== undefined;
    });
  }

  of(connection: Connection): RpcClient {
    let client = this.clients.get(connection);
    if (!client) this.clients.set(connection, (client = new RpcClient(connection, this.host, this.edge)));
    return client;
  }
}

export class RpcClient implements ConnectionSink {
  private readonly id: number;
  /** With the zone that the hello told, for messages that name none. */
  private edge: EdgeContext;
  private readonly streams = new Map<string, Stream>();
  private readonly pacer: PushPacer;
  private notices: Subscriber<Notice> | undefined;
  private readsCompressed = false;

  constructor(
    private readonly connection: Connection,
    private readonly host: SessionHost,
    edge: EdgeContext,
  ) {
    this.edge = edge;
    this.pacer = new PushPacer(
      connection,
      (subscriptionId, frame) => this.send(subscriptionId, frame),
      (isBackedUp) => host.backedUp(this.id, isBackedUp),
    );
    this.id = host.connect(connection.remoteHost, this);
    connection.onClose(() => host.disconnect(this.id));
  }

  /** Any request that has one answer. */
  async request(pattern: string, payload: unknown): Promise<object> {
    const { request, single } = accepted(parseClientMessage(pattern, payload, this.edge));
    const answer = presentReply(await this.host.request(this.id, request), single, decodeBody);
    if (request.kind === 'unsubscribe') this.streams.get(request.subscriptionId)?.subscriber.complete();
    return answer;
  }

  /** One operation. A refusal is the failure of the request, as a stock client expects it. */
  async single(pattern: string, payload: unknown): Promise<object> {
    const result = (await this.request(pattern, payload)) as ClientResult;
    if (result.status === 'failed') throw RegistryError.from(result.failure);
    return result;
  }

  /** Greets, then tells the connection what concerns all of it, for as long as it lives. */
  hello(payload: unknown): Observable<Notice> {
    const { request } = accepted(parseClientMessage('registry.hello', payload, this.edge));
    if (request.kind === 'hello') {
      this.edge = { ...this.edge, zone: request.zone };
      this.readsCompressed = request.encodings !== undefined;
    }
    return new Observable((subscriber) => {
      this.notices?.complete();
      this.notices = subscriber;
      this.host.request(this.id, request).catch((error: unknown) => subscriber.error(error));
      return () => {
        if (this.notices === subscriber) this.notices = undefined;
      };
    });
  }

  /**
   * Keeps the request open for as long as the subscription, or the watch, lives. Pushes answer it past this stream, in which each would wait
   * for a turn of its own.
   */
  stream(
    pattern: 'registry.subscribe' | 'registry.watch',
    payload: unknown,
    requestId: RequestId | undefined,
  ): Observable<never> {
    const { request } = accepted(parseClientMessage(pattern, payload, this.edge));
    if (request.kind !== 'subscribe' && request.kind !== 'watch') throw new RegistryError('INTERNAL');
    if (requestId === undefined) throw new RegistryError('BAD_REQUEST', 'A stream wants answers, hence has an id.');
    const { subscriptionId } = request;
    return new Observable((subscriber) => {
      if (this.streams.has(subscriptionId)) {
        subscriber.error(new RegistryError('ALREADY_SUBSCRIBED'));
        return undefined;
      }
      this.streams.set(subscriptionId, { requestId, subscriber });
      this.host.request(this.id, request).catch((error: unknown) => subscriber.error(error));
      return () => {
        this.pacer.drop(subscriptionId);
        this.streams.delete(subscriptionId);
      };
    });
  }

  heard(): void {
    this.host.dispatch({ type: 'heard', connection: this.id });
  }

  /** What is no acknowledgement is ignored, since nobody waits for an answer. */
  ack(payload: unknown): void {
    const parsed = parseClientMessage('registry.ack', payload, this.edge);
    if (!parsed.ok || parsed.request.kind !== 'ack') return;
    const { subscriptionId, version, refused = false } = parsed.request;
    this.host.dispatch({ type: 'acked', connection: this.id, subscriptionId, version, refused });
  }

  push(subscriptionId: string, frame: PacedFrame): void {
    this.pacer.push(subscriptionId, frame);
  }

  notice(notice: Notice): void {
    this.notices?.next(notice);
  }

  close(reason: string): void {
    this.connection.close(new RegistryError('CONNECTION_CLOSED', reason));
  }

  private send(subscriptionId: string, frame: PacedFrame): void {
    const stream = this.streams.get(subscriptionId);
    if (!stream) return;
    try {
      this.connection.respondShared(stream.requestId, sharedPush(frame, this.readsCompressed));
    } catch (error) {
      // It is larger than a frame may be.
      stream.subscriber.error(error);
    }
  }
}

/** A subscription or a watch that is open: the request that its pushes answer, and what ends it. */
interface Stream {
  requestId: RequestId;
  subscriber: Subscriber<never>;
}
