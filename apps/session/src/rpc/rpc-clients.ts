import { Observable, type Subscriber } from 'rxjs';
import { type ClientResult, type Notice, RegistryError } from '#model';
import type { Connection } from '#nest';
import { type EdgeContext, type PushFrame, parseClientMessage, presentReply } from '#registry';
import { type SharedBody, decodeBody } from '#wire';
import { accepted } from '../edge.js';
import { sharedPush } from '../frames.js';
import { PushPacer } from '../push-pacer.js';
import type { ConnectionSink, SessionHost } from '../session.host.js';

/** Translates between RPC connections and the session core, one {@link RpcClient} a connection. */
export class RpcClients {
  private readonly clients = new WeakMap<Connection, RpcClient>();

  constructor(
    private readonly host: SessionHost,
    private readonly edge: EdgeContext,
  ) {}

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
  private readonly subscriptions = new Map<string, Subscriber<SharedBody>>();
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
      (subscriptionId, frame) => this.subscriptions.get(subscriptionId)?.next(sharedPush(frame, this.readsCompressed)),
      (isBackedUp) => host.backedUp(this.id, isBackedUp),
    );
    this.id = host.connect(connection.remoteHost, this);
    connection.onClose(() => host.disconnect(this.id));
  }

  /** Any request that has one answer. */
  async request(pattern: string, payload: unknown): Promise<object> {
    const { request, single } = accepted(parseClientMessage(pattern, payload, this.edge));
    const answer = presentReply(await this.host.request(this.id, request), single, decodeBody);
    if (request.kind === 'unsubscribe') this.subscriptions.get(request.subscriptionId)?.complete();
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

  subscribe(payload: unknown): Observable<SharedBody> {
    const { request } = accepted(parseClientMessage('registry.subscribe', payload, this.edge));
    if (request.kind !== 'subscribe') throw new RegistryError('INTERNAL');
    const { subscriptionId } = request;
    return new Observable((subscriber) => {
      if (this.subscriptions.has(subscriptionId)) {
        subscriber.error(new RegistryError('ALREADY_SUBSCRIBED'));
        return undefined;
      }
      this.subscriptions.set(subscriptionId, subscriber);
      this.host.request(this.id, request).catch((error: unknown) => subscriber.error(error));
      return () => {
        this.pacer.drop(subscriptionId);
        this.subscriptions.delete(subscriptionId);
      };
    });
  }

  push(subscriptionId: string, frame: PushFrame): void {
    this.pacer.push(subscriptionId, frame);
  }

  notice(notice: Notice): void {
    this.notices?.next(notice);
  }

  close(reason: string): void {
    this.connection.close(new RegistryError('CONNECTION_CLOSED', reason));
  }
}
