import {
  type DataToSession,
  type Env,
  type FromMeta,
  type Member,
  type Notice,
  RegistryError,
  type RoutingTable,
  type SessionToData,
  type ToMeta,
  randomId,
} from '#model';
import { type Config, CoreRunner, type HostEffect, type Links, type Logger, type Readiness } from '#nest';
import {
  type ConnectionId,
  type PushFrame,
  SessionCore,
  type SessionEffect,
  type SessionEvent,
  type SessionReply,
  type SessionRequest,
} from '#registry';
import type { ServerFolder } from '#store';

export type SessionLinks = Links<ToMeta | SessionToData, FromMeta | DataToSession>;

export interface SessionHostOptions {
  config: Config<'session'>;
  env: Env;
  logger: Logger;
  folder: ServerFolder;
  links: SessionLinks;
  fail: (error: unknown) => void;
}

/** Where what the core says to one client connection goes. */
export interface ConnectionSink {
  push(subscriptionId: string, frame: PushFrame): void;
  notice(notice: Notice): void;
  close(reason: string): void;
}

interface PendingRequest {
  connection: ConnectionId;
  resolve: (reply: SessionReply) => void;
  reject: (error: RegistryError) => void;
}

/** Runs the brain of a session server: client connections and links on one side, {@link SessionCore} on the other. */
export class SessionHost {
  incarnation = '';
  private core: SessionCore | undefined;
  private runner: CoreRunner<SessionEvent, SessionEffect> | undefined;
  private table: RoutingTable | undefined;
  private addresses = { address: '', httpAddress: '' };
  private readonly connections = new Map<ConnectionId, ConnectionSink>();
  private readonly pending = new Map<number, PendingRequest>();
  private lastConnection = 0;
  private lastRequest = 0;

  constructor(private readonly options: SessionHostOptions) {}

  get clusterId(): string | undefined {
    return this.core?.clusterId;
  }

  /** @param addresses of this server as others reach it */
  async start(addresses: Pick<Member, 'address' | 'httpAddress'>): Promise<void> {
    this.addresses = addresses;
    const { folder, logger } = this.options;
    this.table = await folder.loadTable();
    for (const warning of folder.warnings) logger.warn('folder-damaged', { warning });
    this.begin();
  }

  dispatch(event: SessionEvent): void {
    this.runner?.dispatch(event);
  }

  readiness(): Readiness {
    return this.core?.readiness() ?? { ready: false, waitingFor: 'the server to start' };
  }

  /** Tells clients to move and leaves the cluster. What they published stays, for them to take elsewhere. */
  stop(): void {
    this.dispatch({ type: 'stop' });
    this.runner?.stop();
    for (const request of this.pending.values()) request.reject(new RegistryError('SHUTTING_DOWN'));
    this.pending.clear();
  }

  /** Announces a client connection (or an HTTP stream, which is one too). */
  connect(address: string, sink: ConnectionSink): ConnectionId {
    const connection = ++this.lastConnection;
    this.connections.set(connection, sink);
    this.dispatch({ type: 'clientConnected', connection, address });
    return connection;
  }

  disconnect(connection: ConnectionId): void {
    if (this.connections.delete(connection)) this.dispatch({ type: 'clientDisconnected', connection });
  }

  /** @throws RegistryError as the core decides; CONNECTION_CLOSED when the connection is no longer known. */
  request(connection: ConnectionId, request: SessionRequest): Promise<SessionReply> {
    return new Promise((resolve, reject) => {
      if (!this.runner) return reject(new RegistryError('NOT_READY'));
      if (!this.connections.has(connection)) return reject(new RegistryError('CONNECTION_CLOSED'));
      const requestId = ++this.lastRequest;
      this.pending.set(requestId, { connection, resolve, reject });
      this.dispatch({ type: 'request', connection, requestId, wallMs: this.options.env.wallMs(), request });
    });
  }

  /** Draws an id for a publication whose client keeps none. */
  makeRegisterId = (): string => randomId(this.options.env.random);

  private begin(): void {
    const { config, env, logger, fail } = this.options;
    this.incarnation = randomId(env.random);
    const self: Member = {
      role: 'session',
      incarnation: this.incarnation,
      ...this.addresses,
      zone: config.zone,
      weight: config.weight,
    };
    this.core = new SessionCore({
      self,
      metaAddresses: config.cluster.metaAddresses,
      random: env.random,
      limits: config.limits,
      ...(this.table === undefined ? {} : { table: this.table }),
    });
    this.runner = new CoreRunner<SessionEvent, SessionEffect>({
      core: this.core,
      env,
      logger,
      perform: (effect) => this.perform(effect),
      onFatal: fail,
    });
    this.runner.dispatch({ type: 'start' });
  }

  private perform(effect: HostEffect<SessionEffect>): void {
    switch (effect.type) {
      case 'reply':
        return this.settle(effect.requestId)?.resolve(effect.reply);
      case 'fail':
        return this.settle(effect.requestId)?.reject(RegistryError.from(effect.failure));
      case 'push':
        return this.connections.get(effect.connection)?.push(effect.subscriptionId, effect.frame);
      case 'notice':
        return this.connections.get(effect.connection)?.notice(effect.notice);
      case 'closeClient':
        return this.connections.get(effect.connection)?.close(effect.reason);
      case 'saveTable':
        this.table = effect.table;
        this.options.folder.saveTable(effect.table).catch((error: unknown) => {
          // Serving goes on; only a restart while meta is down would start with an older table.
          this.options.logger.warn('table-not-saved', { error });
        });
        return undefined;
      case 'restart':
        return this.restart(effect.reason);
      default:
        return this.options.links.perform(effect);
    }
  }

  private settle(requestId: number): PendingRequest | undefined {
    const request = this.pending.get(requestId);
    this.pending.delete(requestId);
    return request;
  }

  /** Everything held was held for clients, who publish it again on the connections they make anew. */
  private restart(reason: string): void {
    this.options.logger.warn('new-incarnation', { reason, former: this.incarnation });
    this.runner?.stop();
    for (const request of this.pending.values()) request.reject(new RegistryError('CONNECTION_CLOSED', reason));
    this.pending.clear();
    const connections = [...this.connections.values()];
    this.connections.clear();
    for (const connection of connections) connection.close(reason);
    this.options.links.hangUpAll(reason);
    this.begin();
  }
}
