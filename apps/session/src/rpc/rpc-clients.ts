import { type ClientResult, type Notice, RegistryError } from '#model';
import type { Answer, Connection, RollcallContext, RollcallServer } from '#nest';
import { type EdgeContext, parseClientMessage, presentReply } from '#registry';
import { decodeBody } from '#wire';
import { accepted } from '../edge.js';
import { sharedNotice, sharedPush } from '../frames.js';
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
  /** The requests, by subscriptionId, that pushes answer for as long as a subscription, or a watch, lives. */
  private readonly streams = new Map<string, Answer>();
  /** Made when the connection backs up for the first time, which most never do. */
  private pacer: PushPacer | undefined;
  private notices: Answer | undefined;
  private readsCompressed = false;

  constructor(
    private readonly connection: Connection,
    private readonly host: SessionHost,
    edge: EdgeContext,
  ) {
    this.edge = edge;
    this.id = host.connect(connection.remoteHost, this);
    connection.onClose(() => host.disconnect(this.id));
  }

  /** Any request that has one answer. */
  async request(pattern: string, payload: unknown): Promise<object> {
    const { request, single } = accepted(parseClientMessage(pattern, payload, this.edge));
    const answer = presentReply(await this.host.request(this.id, request), single, decodeBody);
    if (request.kind === 'unsubscribe') {
      this.streams.get(request.subscriptionId)?.end();
      this.forget(request.subscriptionId);
    }
    return answer;
  }

  /** One operation. A refusal is the failure of the request, as a stock client expects it. */
  async single(pattern: string, payload: unknown): Promise<object> {
    const result = (await this.request(pattern, payload)) as ClientResult;
    if (result.status === 'failed') throw RegistryError.from(result.failure);
    return result;
  }

  /** Greets, then tells the connection what concerns all of it, for as long as it lives. */
  hello(payload: unknown, context: RollcallContext): void {
    const { request } = accepted(parseClientMessage('registry.hello', payload, this.edge));
    if (request.kind === 'hello') {
      this.edge = { ...this.edge, zone: request.zone };
      this.readsCompressed = request.encodings !== undefined;
    }
    this.notices?.end();
    const notices = (this.notices = context.keep());
    this.host.request(this.id, request).catch((error: unknown) => {
      if (this.notices === notices) this.notices = undefined;
      notices.fail(error);
    });
  }

  stream(pattern: 'registry.subscribe' | 'registry.watch', payload: unknown, context: RollcallContext): void {
    const { request } = accepted(parseClientMessage(pattern, payload, this.edge));
    if (request.kind !== 'subscribe' && request.kind !== 'watch') throw new RegistryError('INTERNAL');
    const { subscriptionId } = request;
    if (this.streams.has(subscriptionId)) throw new RegistryError('ALREADY_SUBSCRIBED');
    const stream = context.keep();
    this.streams.set(subscriptionId, stream);
    this.host.request(this.id, request).catch((error: unknown) => {
      if (this.streams.get(subscriptionId) === stream) this.forget(subscriptionId);
      stream.fail(error);
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
    if (this.pacer) this.pacer.push(subscriptionId, frame);
    else if (!this.connection.backedUp) this.send(subscriptionId, frame);
    else (this.pacer = this.makePacer()).push(subscriptionId, frame);
  }

  notice(notice: Notice): void {
    this.notices?.nextShared(sharedNotice(notice));
  }

  close(reason: string): void {
    this.connection.close(new RegistryError('CONNECTION_CLOSED', reason));
  }

  private send(subscriptionId: string, frame: PacedFrame): void {
    this.streams.get(subscriptionId)?.nextShared(sharedPush(frame, this.readsCompressed));
  }

  private forget(subscriptionId: string): void {
    this.streams.delete(subscriptionId);
    this.pacer?.drop(subscriptionId);
  }

  private makePacer(): PushPacer {
    return new PushPacer(
      this.connection,
      (subscriptionId, frame) => this.send(subscriptionId, frame),
      (isBackedUp) => this.host.backedUp(this.id, isBackedUp),
    );
  }
}
