import type { EtcdCode, EtcdStore, KeyLayout, NativeKeysIn, StoreStatus } from '#etcd';
import {
  type Check,
  type DataToSession,
  type Env,
  type FromMeta,
  type Notice,
  RegistryError,
  type SessionToData,
  type ToMeta,
  randomId,
} from '#model';
import { type Config, type Logger, MemberHost } from '#nest';
import {
  type Clocks,
  type ConfigFrame,
  type ConnectionId,
  type DrainStatus,
  type PushFrame,
  type KeyCall,
  type KeyReply,
  SessionCore,
  type SessionEffect,
  type SessionEvent,
  SessionKeyStore,
  type SessionReply,
  type SessionRequest,
} from '#registry';
import type { ServerFolder } from '#store';

export interface SessionHostOptions {
  config: Config<'session'>;
  env: Env;
  logger: Logger;
  folder: ServerFolder;
  featureLevel: number;
  /** Of etcd, for what is served to its clients. */
  keyLayouts: readonly KeyLayout[];
  nativeKeysIn: NativeKeysIn;
  fail: (error: unknown) => void;
}

/** Where what the core says to one client connection goes. */
export interface ConnectionSink {
  push(subscriptionId: string, frame: PushFrame | ConfigFrame): void;
  notice(notice: Notice): void;
  close(reason: string): void;
}

/** Of calls that are of no client connection; connections count from 1. */
const NO_CONNECTION = 0;

const NOT_SERVING: StoreStatus = {
  header: { clusterId: 0n, memberId: 0n, revision: 0n, raftTerm: 0n },
  isServing: false,
};

/** A core that ends answers nothing of what it was asked, and says nothing of what has become of it. */
function keyCodeOf(error: unknown): EtcdCode {
  if (!(error instanceof RegistryError)) return 'INTERNAL';
  switch (error.code) {
    case 'NOT_READY':
      return 'UNAVAILABLE';
    case 'OVERLOADED':
      return 'OVERLOADED';
    case 'SHUTTING_DOWN':
    case 'CONNECTION_CLOSED':
      return 'OUTCOME_UNKNOWN';
    default:
      return 'INTERNAL';
  }
}

interface PendingRequest {
  resolve: (reply: SessionReply) => void;
  reject: (error: RegistryError) => void;
}

type ClientEffect = Extract<SessionEffect, { connection: ConnectionId }>;

/** Runs the brain of a session server: beside its links, the connections of clients and their requests. */
export class SessionHost extends MemberHost<
  SessionCore,
  SessionEvent,
  SessionEffect,
  ToMeta | SessionToData,
  FromMeta | DataToSession
> {
  /** The keyspace of etcd, for edges. */
  readonly keys: EtcdStore & Pick<SessionKeyStore, 'told'> = new SessionKeyStore({
    call: (call) => this.callKeys(call),
    watch: (watchId, request) => this.dispatch({ type: 'keyWatch', watchId, request }),
    unwatch: (watchId) => this.dispatch({ type: 'keyUnwatch', watchId }),
    requestProgress: (watchId) => this.dispatch({ type: 'keyProgress', watchId }),
    status: () => this.core?.keyStatus() ?? NOT_SERVING,
  });
  private readonly connections = new Map<ConnectionId, ConnectionSink>();
  private readonly pending = new Map<number, PendingRequest>();
  private lastConnection = 0;
  private lastRequest = 0;
  private readonly env: Env;
  private isDraining = false;
  private onDrained: () => void = () => {};

  constructor({ config, env, logger, folder, featureLevel, keyLayouts, nativeKeysIn, fail }: SessionHostOptions) {
    super({
      role: 'session',
      config,
      env,
      logger,
      folder,
      featureLevel,
      fail,
      makeCore: (self, saved) =>
        new SessionCore({
          self,
          metaAddresses: config.cluster.metaAddresses,
          dataCenter: config.cluster.dataCenter,
          keyLayouts,
          nativeKeysIn,
          random: env.random,
          limits: config.limits,
          draining: this.isDraining,
          ...saved,
        }),
      perform: (effect) => {
        if (effect.type === 'drained') this.onDrained();
        else if (effect.type === 'keyWatch') this.keys.told(effect.watchId, effect.event);
        else this.tellClient(effect);
      },
      onRestart: (reason) => {
        this.dropClients(reason);
        // Whoever waits for the clients to go need not any more.
        this.onDrained();
      },
    });
    this.env = env;
  }

  checks(): readonly Check[] {
    return this.core?.checks() ?? [];
  }

  /**
   * Sends clients to other servers and takes no more.
   * @param leaving addresses of servers that go as well
   * @returns resolves when all that can be done is done
   */
  drain(leaving: readonly string[] = []): Promise<void> {
    if (!this.core) return Promise.resolve();
    this.isDraining = true;
    return new Promise((resolve) => {
      this.onDrained = resolve;
      this.dispatch({ type: 'drain', leaving });
    });
  }

  /** @param leaving addresses of servers that would go as well */
  drainStatus(leaving: readonly string[]): DrainStatus {
    if (!this.core) throw new RegistryError('NOT_READY');
    return this.core.drainStatus(leaving);
  }

  /** Takes clients again. */
  undrain(): void {
    this.isDraining = false;
    this.dispatch({ type: 'undrain' });
  }

  /** Tells clients to move and leaves the cluster. What they published stays, for them to take elsewhere. */
  override stop(): void {
    super.stop();
    this.rejectPending(new RegistryError('SHUTTING_DOWN'));
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

  /** Less is read of the connection than is pushed, or everything has been. */
  backedUp(connection: ConnectionId, isBackedUp: boolean): void {
    if (this.connections.has(connection)) this.dispatch({ type: 'clientBackedUp', connection, isBackedUp });
  }

  /** @throws RegistryError as the core decides; CONNECTION_CLOSED when the connection is no longer known. */
  request(connection: ConnectionId, request: SessionRequest): Promise<SessionReply> {
    return new Promise((resolve, reject) => {
      if (!this.core) return reject(new RegistryError('NOT_READY'));
      if (!this.connections.has(connection)) return reject(new RegistryError('CONNECTION_CLOSED'));
      resolve(this.ask(connection, request));
    });
  }

  private ask(connection: ConnectionId, request: SessionRequest): Promise<SessionReply> {
    return new Promise((resolve, reject) => {
      if (!this.core) return reject(new RegistryError('NOT_READY'));
      const requestId = ++this.lastRequest;
      this.pending.set(requestId, { resolve, reject });
      this.dispatch({ type: 'request', connection, requestId, wallMs: this.env.wallMs(), request });
    });
  }

  private async callKeys(call: KeyCall): Promise<KeyReply> {
    try {
      const reply = await this.ask(NO_CONNECTION, { kind: 'keys', call });
      return reply.kind === 'keys' ? reply.reply : { ok: false, code: 'INTERNAL' };
    } catch (error) {
      return { ok: false, code: keyCodeOf(error) };
    }
  }

  /** What its clocks show. */
  get clocks(): Clocks {
    return { nowMs: this.env.nowMs(), wallMs: this.env.wallMs() };
  }

  /** Draws an id for a publication whose client keeps none. */
  makeRegisterId = (): string => randomId(this.env.random);

  private tellClient(effect: ClientEffect): void {
    const sink = this.connections.get(effect.connection);
    switch (effect.type) {
      case 'reply':
        return this.settle(effect.requestId)?.resolve(effect.reply);
      case 'fail':
        return this.settle(effect.requestId)?.reject(RegistryError.from(effect.failure));
      case 'push':
      case 'config':
        return sink?.push(effect.subscriptionId, effect.frame);
      case 'notice':
        return sink?.notice(effect.notice);
      case 'closeClient':
        return sink?.close(effect.reason);
    }
  }

  private settle(requestId: number): PendingRequest | undefined {
    const request = this.pending.get(requestId);
    this.pending.delete(requestId);
    return request;
  }

  /** Everything held was held for clients, who publish it again on the connections they make anew. */
  private dropClients(reason: string): void {
    this.rejectPending(new RegistryError('CONNECTION_CLOSED', reason));
    const sinks = [...this.connections.values()];
    this.connections.clear();
    for (const sink of sinks) sink.close(reason);
  }

  private rejectPending(error: RegistryError): void {
    for (const request of this.pending.values()) request.reject(error);
    this.pending.clear();
  }
}
