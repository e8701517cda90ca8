import type {
  ClientRequests,
  ConfigPush,
  Core,
  DataInfoId,
  Failure,
  LogEffect,
  Notice,
  PublisherView,
  Push,
  Random,
  Scope,
  WakeEffect,
  WakeEvent,
} from '#model';

/**
 * `connecting`: no server has welcomed the client yet. `ready`: one serves it. `degraded`: none does just now; what is held
 * stays, and what is published comes with the next one. `closed`: by the application, for good.
 */
export type ClientState = 'connecting' | 'ready' | 'degraded' | 'closed';

/**
 * Why the client is in its state. `unanswered`: the server said nothing within the deadline. `moved`: the server asked the
 * client to go elsewhere.
 */
export type StateReason = 'started' | 'welcomed' | 'connection-lost' | 'unanswered' | 'moved' | 'closed';

export interface ClientStatus {
  state: ClientState;
  sinceMs: number;
  reason: StateReason;
  /** For people. */
  message: string;
  /** The address of the server that serves the client. */
  server?: string;
  /** Dials since then that came to nothing, and what became of the last one. */
  attempts: number;
  lastFailure?: string;
}

/** What the application registers. Data strings are opaque; by convention endpoint URLs. */
export interface Registration {
  dataId: string;
  group?: string;
  instanceId?: string;
  zone?: string;
  appName?: string;
  /** Made up when left out. */
  registerId?: string;
  data: string[];
  attributes?: Record<string, unknown>;
  /** Its way to all subscribers is to be told. */
  trace?: boolean;
}

export interface Subscription {
  dataId: string;
  group?: string;
  instanceId?: string;
  scope?: Scope;
  zone?: string;
}

/**
 * What a subscriber holds. `pending`: no complete answer has come yet, so an empty list means nothing. What is shown of it
 * begins with what an earlier life of the application had kept on disk, if it has: then it is `stale` as well.
 */
export interface SubscriberSnapshot {
  dataInfoId: DataInfoId;
  /** Opaque; undefined before the first answer. */
  version?: string;
  state: 'pending' | 'current';
  stale?: true;
  publishers: PublisherView[];
  /** The zone that the subscriber is in, and the data center of the cluster; undefined before a server has told. */
  localZone?: string;
  dataCenter?: string;
}

/**
 * What leads from the list told before to the one told now: first leave those `removed`, then come the others. An `updated` publisher has
 * the registerId of another one, whom it replaces.
 */
export interface ListChanges {
  added: PublisherView[];
  updated: PublisherView[];
  removed: PublisherView[];
}

/**
 * A configuration value as the client knows it. `pending`: no server has told yet. Without `value` there is none. Its
 * version rises with every change.
 */
export interface ConfigSnapshot {
  key: string;
  state: 'pending' | 'current';
  version?: number;
  value?: string;
}

/**
 * What is kept of a view on disk, for a start at which no server can be reached. `scope` and `zone` as the subscription
 * names them; the three names are what it is found by.
 */
export interface KeptView {
  dataInfoId: DataInfoId;
  scope?: Scope;
  zone?: string;
  clusterId: string;
  version: string;
  publishers: readonly PublisherView[];
  /** Of the publishers, in their order, and of the whole, where they are known. */
  hashes?: readonly string[];
  hash?: string;
}

/** The cluster that a client was served by, and its session servers, as kept on disk. */
export interface KeptServers {
  clusterId: string;
  sessions: readonly string[];
}

/** The pattern of a request that has one answer. */
export type UnaryPattern = Exclude<
  keyof ClientRequests,
  'registry.hello' | 'registry.subscribe' | 'registry.watch' | 'registry.ack'
>;

/** Numbers given by the host, never reused: publishers, subscribers, watchers, and the application's calls awaiting a result. */
export type ClientEvent =
  | { type: 'start' }
  | WakeEvent
  | { type: 'publish'; publisher: number; call: number; registration: Registration; wallMs: number }
  | { type: 'republish'; publisher: number; call: number; data: string[]; trace?: boolean }
  | { type: 'unpublish'; publisher: number; call: number }
  | { type: 'subscribe'; subscriber: number; subscription: Subscription; kept?: KeptView }
  /** What the effect `keep` named is on disk, or could not be brought there; the next can be given. */
  | { type: 'kept'; batch: number }
  | { type: 'unsubscribe'; subscriber: number }
  | { type: 'watch'; watcher: number; key: string }
  | { type: 'unwatch'; watcher: number }
  /**
   * With `drain`, the default, unpublishes still on their way are finished and the server is told goodbye, so that
   * everything published leaves at once; without it, publications stay for the server's grace.
   */
  | { type: 'close'; call: number; drain?: boolean }
  /** The one connection of the client; `connection` counts dials. */
  | { type: 'connected'; connection: number }
  | { type: 'disconnected'; connection: number; message: string }
  | { type: 'response'; connection: number; requestId: number; response: unknown }
  | { type: 'failed'; connection: number; requestId: number; failure: Failure }
  | { type: 'notice'; connection: number; notice: Notice }
  | { type: 'push'; connection: number; subscriptionId: string; push: Push }
  | { type: 'config'; connection: number; subscriptionId: string; config: ConfigPush }
  /** The server ended or refused the subscription's stream. */
  | { type: 'pushFailed'; connection: number; subscriptionId: string; failure: Failure };

/** `traceId` where what was answered is traced. */
export type Settled = { ok: true; stored: boolean; traceId?: string } | { ok: false; failure: Failure };

export type ClientEffect =
  | WakeEffect
  | LogEffect
  /** Ends in `connected` or `disconnected` with the same number. */
  | { type: 'dial'; connection: number; address: string }
  | { type: 'hangUp'; connection: number }
  /** Opens the hello stream; items come back as `notice`, its failure as `failed` with requestId 0. */
  | { type: 'hello'; connection: number; hello: ClientRequests['registry.hello']['request'] }
  | { type: 'request'; connection: number; requestId: number; pattern: UnaryPattern; payload: object }
  | { type: 'subscribe'; connection: number; payload: ClientRequests['registry.subscribe']['request'] }
  | { type: 'watch'; connection: number; payload: ClientRequests['registry.watch']['request'] }
  /** `refused`: the push does not apply to what is held, and a snapshot is wanted. */
  | { type: 'ack'; connection: number; subscriptionId: string; version: string; refused?: true }
  /** The list of a subscriber changed, or became current; then there may be no changes. The list itself is for who looks. */
  | { type: 'changed'; subscriber: number; changes: ListChanges }
  /** Temporary publications, told this once. */
  | { type: 'temporary'; subscriber: number; publishers: PublisherView[]; snapshot: SubscriberSnapshot }
  /** The server refuses the subscription for good; it is tried again only over the next connection. */
  | { type: 'subscriberFailed'; subscriber: number; failure: Failure }
  /** A configuration value was told for the first time, or has changed. */
  | { type: 'configChanged'; watcher: number; snapshot: ConfigSnapshot }
  /** As of a subscription. */
  | { type: 'watchFailed'; watcher: number; failure: Failure }
  | { type: 'stateChanged'; state: ClientState; status: ClientStatus }
  /** To be written to disk in the background, one batch after the other. Ends in `kept`. */
  | { type: 'keep'; batch: number; views: KeptView[] }
  | { type: 'keepServers'; servers: KeptServers }
  /** Ends the application's call. */
  | { type: 'settled'; call: number; outcome: Settled };

/** The client's core, as whoever runs it sees it. */
export interface ClientBrain extends Core<ClientEvent, ClientEffect> {
  /** What a subscriber holds now, of which the caller may do with the list what it likes; undefined once it is unsubscribed. */
  current(subscriber: number): SubscriberSnapshot | undefined;
}

export interface ClientOptions {
  /** RPC addresses of session servers, `host:port`. */
  seeds: string[];
  appName?: string;
  zone?: string;
  /** In which the host reads large pushes. */
  encodings?: string[];
  /** False to be sent the whole list with every change. */
  deltas?: boolean;
  /** Whether what is held is to be kept on disk, and what was kept there of the servers. */
  keep?: boolean;
  kept?: KeptServers;
  random: Random;
  limits?: Partial<ClientLimits>;
}

export interface ClientLimits {
  reconnectMinMs: number;
  reconnectMaxMs: number;
  /** A request without an answer for this long counts the connection as dead. */
  requestTimeoutMs: number;
  /** A dial without a connection for this long is given up. */
  dialTimeoutMs: number;
  /** Operations per `registry.apply`. */
  applyBatch: number;
  /** Unanswered `registry.apply` requests; what comes meanwhile is merged into the next. */
  appliesInFlight: number;
  /** What is kept on disk is written anew after so long, all that has changed meanwhile. */
  keepEveryMs: number;
  /** Calls of the application not yet settled; one more is answered OVERLOADED. */
  pendingCalls: number;
}
