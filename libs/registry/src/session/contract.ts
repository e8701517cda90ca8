import type { HashSum } from '../content-hash.js';
import type { KeyLayout, NativeKeysIn, WatchEvent, WatchRequest } from '#etcd';
import type { KeyCall, KeyReply } from './keys/contract.js';
import type { PlannerLimits } from './push-planner.js';
import type {
  ConfigPush,
  DataInfoId,
  DataToSession,
  DatumVersion,
  Failure,
  FromMeta,
  LinkEffect,
  LinkEvent,
  LogEffect,
  Member,
  Notice,
  Publication,
  Random,
  RoutingTable,
  Scope,
  SessionToData,
  Stamp,
  ToMeta,
  VersionedSwitches,
  WakeEffect,
  WakeEvent,
} from '#model';

/** A number the host gives to a client connection; never reused within a process. HTTP streams get one too. */
export type ConnectionId = number;

/** What a subscriber sees: one datum through one filter. */
export interface ViewKey {
  dataInfoId: DataInfoId;
  scope: Scope;
  zone: string;
}

/** What a subscriber holds when it comes; the hash, where it knows one, is that of its list. */
export interface SubscriberBase {
  clusterId: string;
  version: DatumVersion;
  hash?: HashSum;
}

/** A client's request after the edge has validated it and encoded the bodies. */
export type SessionRequest =
  /** `encodings` is for the host to heed. */
  | { kind: 'hello'; appName: string; zone: string; clusterId?: string; encodings?: string[]; waited?: true }
  | { kind: 'apply'; operations: SessionOperation[] }
  /** From HTTP: stamped by the slot leader, never queued, owned by its lease. `registerTimestamp` as in `apply`. */
  | { kind: 'leasedPublish'; publication: Omit<Publication, 'stamp'>; replay: boolean; trace?: true }
  /** A temporary publication, with or without a connection. */
  | { kind: 'announce'; publication: Omit<Publication, 'stamp' | 'owner'> }
  | { kind: 'renew'; registerId: string; dataInfoId: DataInfoId }
  | { kind: 'leasedUnpublish'; registerId: string; dataInfoId: DataInfoId }
  /** Stamped by the slot leader, never queued, answered once it is on the disks of all complete replicas. */
  | { kind: 'persistentPublish'; publication: Omit<Publication, 'stamp'>; trace?: true }
  | { kind: 'persistentUnpublish'; registerId: string; dataInfoId: DataInfoId }
  | ({ kind: 'query' } & ViewKey)
  | ({
      kind: 'subscribe';
      subscriptionId: string;
      base?: SubscriberBase;
      /** It can be sent changes instead of the whole. */
      deltas?: boolean;
      /** It acknowledges every push. */
      acks?: boolean;
      /**
       * True for subscribers that cannot merge (server-sent events): given a base, they are sent nothing until the
       * answer is complete.
       */
      wholeOnly?: boolean;
    } & ViewKey)
  /** `base` is what the client was told last. */
  | { kind: 'watch'; subscriptionId: string; key: string; base?: { clusterId: string; version: number } }
  /** Of either. */
  | { kind: 'unsubscribe'; subscriptionId: string }
  /** `refused`: it does not apply to what the client holds. */
  | { kind: 'ack'; subscriptionId: string; version: string; refused?: boolean }
  /** Of the keyspace of etcd, answered by `keys` in any case. */
  | { kind: 'keys'; call: KeyCall }
  | { kind: 'heartbeat' }
  | { kind: 'goodbye' };

/** A null stamp asks the session server to make one on behalf of a client that keeps none. */
export type SessionOperation =
  | {
      op: 'publish';
      registerId: string;
      dataInfoId: DataInfoId;
      zone: string;
      appName: string;
      /** 0 when the client told none: then that of the publication it replaces holds, or the time of the request. */
      registerTimestamp: number;
      stamp: Stamp | null;
      body: Uint8Array;
      /** The client repeats what some server has acknowledged. */
      replay: boolean;
      /** It lives until a command removes it, whatever becomes of the connection. */
      persistent?: true;
      /** Its way is to be told. */
      trace?: true;
    }
  | { op: 'unpublish'; registerId: string; dataInfoId: DataInfoId; stamp: Stamp | null; persistent?: true }
  /** One that the edge refused: it fails alone, and the others of its `apply` go on. */
  | { op: 'refused'; registerId: string; failure: Failure };

export type SessionReply =
  | { kind: 'applied'; results: SessionResult[] }
  | { kind: 'leased'; registerId: string; version: DatumVersion; leaseMs: number; traceId?: string }
  | { kind: 'announced'; registerId: string; dataInfoId: DataInfoId }
  | { kind: 'persisted'; registerId: string; version: DatumVersion; traceId?: string }
  | { kind: 'renewed'; expiresInMs: number }
  | { kind: 'datum'; frame: DatumFrame }
  | { kind: 'keys'; reply: KeyReply }
  | { kind: 'done' };

export type SessionResult =
  | { status: 'stored'; registerId: string; dataInfoId: DataInfoId; version: DatumVersion; traceId?: string }
  | { status: 'accepted'; registerId: string; dataInfoId: DataInfoId; traceId?: string }
  | { status: 'failed'; registerId: string; failure: Failure };

/**
 * One state of one view, or the change from another state to it, shared by every subscriber that is sent it: the host
 * encodes it once per object. Meaning of the types: see `Push` in the model. A `partial` frame without a `from` holds the
 * whole merged view as the session server knows it, and the removals it has seen recorded since the view was last
 * complete. `hashes` are those of the publications, in their order; subscribers that take no deltas are not told them.
 */
export type PushFrame =
  | {
      type: 'snapshot';
      dataInfoId: DataInfoId;
      clusterId: string;
      version: DatumVersion;
      publications: Publication[];
      hashes?: readonly HashSum[];
      /** Of the whole view. */
      hash: string;
      temporary?: readonly Publication[];
    }
  | {
      type: 'delta';
      dataInfoId: DataInfoId;
      clusterId: string;
      from: DatumVersion;
      version: DatumVersion;
      publications: Publication[];
      hashes: readonly HashSum[];
      removed: string[];
      /** Of the view that it leads to. */
      hash: string;
      temporary?: readonly Publication[];
    }
  | {
      type: 'partial';
      dataInfoId: DataInfoId;
      clusterId: string;
      from?: DatumVersion;
      version: DatumVersion;
      publications: Publication[];
      hashes?: readonly HashSum[];
      removed: string[];
      temporary?: readonly Publication[];
    }
  | { type: 'unchanged'; dataInfoId: DataInfoId; clusterId: string; version: DatumVersion; hash: string }
  | { type: 'pending'; dataInfoId: DataInfoId };

/** A configuration value as it is sent, one object for all who are sent it. */
export type ConfigFrame = Readonly<ConfigPush>;

/** The answer to a query. */
export type DatumFrame = (PushFrame & { type: 'partial' }) | Omit<PushFrame & { type: 'snapshot' }, 'hash'>;

export type SessionEvent =
  | { type: 'start' }
  /** Clients are told to move, the member leaves; afterwards the host closes. */
  | { type: 'stop' }
  /** Clients are sent to other servers, in waves, and no new ones taken. `leaving` are addresses that go as well. */
  | { type: 'drain'; leaving: readonly string[] }
  /** Clients are taken again. */
  | { type: 'undrain' }
  | WakeEvent
  | LinkEvent<FromMeta | DataToSession>
  /** `address` is the one that the client connects from, without a port: an IPv4 address is written as one. */
  | { type: 'clientConnected'; connection: ConnectionId; address: string }
  | { type: 'clientDisconnected'; connection: ConnectionId }
  /** Less is read of the connection than is pushed, or everything has been. */
  | { type: 'clientBackedUp'; connection: ConnectionId; isBackedUp: boolean }
  /** A heartbeat, and an acknowledgement that nobody waits for an answer to. */
  | { type: 'heard'; connection: ConnectionId }
  | { type: 'acked'; connection: ConnectionId; subscriptionId: string; version: string; refused: boolean }
  /** The host numbers watches of keys; no number is used twice in a process. */
  | { type: 'keyWatch'; watchId: number; request: WatchRequest }
  | { type: 'keyUnwatch'; watchId: number }
  | { type: 'keyProgress'; watchId: number }
  /** `requestId` is the host's, unique per process. `wallMs` serves stamps made here, and nothing else. */
  | { type: 'request'; connection: ConnectionId; requestId: number; wallMs: number; request: SessionRequest };

export type SessionEffect =
  | WakeEffect
  | LogEffect
  | LinkEffect<ToMeta | SessionToData>
  /** Exactly one per request. */
  | { type: 'reply'; connection: ConnectionId; requestId: number; reply: SessionReply }
  | { type: 'fail'; connection: ConnectionId; requestId: number; failure: Failure }
  | { type: 'push'; connection: ConnectionId; subscriptionId: string; frame: PushFrame }
  | { type: 'config'; connection: ConnectionId; subscriptionId: string; frame: ConfigFrame }
  | { type: 'keyWatch'; watchId: number; event: WatchEvent }
  | { type: 'notice'; connection: ConnectionId; notice: Notice }
  | { type: 'closeClient'; connection: ConnectionId; reason: string }
  /** All that a drain can do is done: no client is left, or there is no more time, or nowhere to send them. */
  | { type: 'drained' }
  | { type: 'saveTable'; table: RoutingTable }
  | { type: 'saveSwitches'; switches: VersionedSwitches }
  /**
   * Meta no longer knows this incarnation: the host drops all client connections and links and starts a new core under
   * a new incarnation.
   */
  | { type: 'restart'; reason: string };

/** Why a client was not let in. */
export type RefusalReason = 'draining' | 'full' | 'address' | 'rate';

export interface SessionCounts {
  /** Operations of clients so far, by their results. */
  operations: Readonly<Record<SessionResult['status'], number>>;
  /** Units of work in hand: operations, queries and renewals without an answer. */
  inHand: number;
  /** Operations on their way to leaders, or waiting for one. */
  inFlight: number;
  /** By how much changes of a view are merged at least, since so much is being pushed. */
  pushLoadMs: number;
  /** Temporary publications that a subscriber was not sent, since too many of them waited for it. */
  temporaryDropped: number;
  /** Clients that were not let in. */
  refused: Readonly<Record<RefusalReason, number>>;
  /** Those that are up. */
  connections: number;
  publishers: number;
  /** Of these, those that are in no view since operators have switched off their clients. */
  withdrawn: number;
  /** Remembered for digests. */
  removals: number;
  subscribers: number;
  /** Of configuration values. */
  watches: number;
  /** Of keys of etcd. */
  keyWatches: number;
  /** That somebody subscribes to. */
  datums: number;
  /** Subscribers for whom something waits because pushes to them are stopped. */
  held: number;
  /** That have been sent, by what they bring. */
  pushes: Readonly<Record<PushFrame['type'], number>>;
  /** Changes that did not apply to what their subscriber held; there should be none. */
  refusedDeltas: number;
  /** That nobody had acknowledged in time. */
  repeatedPushes: number;
  /** Found to lack something; after their connection acknowledged nothing for long, or because something went wrong. */
  repairedSubscribers: number;
}

/** How far the drain of a session server is. */
export interface DrainStatus {
  draining: boolean;
  /** Connections that are served. */
  clients: number;
  /** Of these, those that have not been asked to go yet. */
  untold: number;
  /** Session servers to go to. */
  elsewhere: number;
  /** It is drained, and nobody is left whom a stop would disconnect. */
  safeToStop: boolean;
}

export interface SessionOptions {
  self: Member;
  metaAddresses: string[];
  /** The one that the cluster is in. */
  dataCenter?: string;
  random: Random;
  /** What was saved last, if anything. */
  table?: RoutingTable;
  switches?: VersionedSwitches;
  /** Known layouts of keys of etcd. */
  keyLayouts?: readonly KeyLayout[];
  /** What is published natively, as keys of these layouts. */
  nativeKeysIn?: NativeKeysIn;
  /** It goes on as another incarnation of a server that is drained. */
  draining?: boolean;
  limits?: Partial<SessionLimits>;
}

export interface SessionLimits extends PlannerLimits {
  /** Clients are told to heartbeat this often. */
  heartbeatMs: number;
  /** A client connection silent for this long is closed. */
  idleTimeoutMs: number;
  /** How long the publications of a connection lost without goodbye stay. */
  graceMs: number;
  /** The same where many are lost at about the same time: more than so many, and than three of ten. */
  massGraceMs: number;
  lossesMany: number;
  /**
   * The clients of a server that is lost spread their reconnects over so much for each of them, and over
   * `reconnectSpreadMs` at most, so that the other servers are not run over.
   */
  spreadPerConnectionMs: number;
  /** At least 2 s shorter than the orphan grace of data servers, and cut to 2 s less than `graceMs`. */
  reconnectSpreadMs: number;
  /** With so many clients that come back within two tenths of a second at most, what they bring waits behind what they ask for. */
  returnsMany: number;
  /** Clients that are served, in all and from one address. */
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** Clients that are let in each second, and at once after a second without any. */
  admissionsPerSecond: number;
  /** How long a drain may take before the server stops, whoever is left. */
  drainMs: number;
  /** So many clients are asked to go in a second of a drain. */
  movesPerSecond: number;
  /** After this long without a leader's answer, a connected write is answered `accepted`, a leased one NO_LEADER. */
  writeDeadlineMs: number;
  /** After this long a write that is not on all the disks it must be on is answered NOT_DURABLE. */
  persistDeadlineMs: number;
  /** A query or first push waits this long for the leader's datum before PENDING or `pending`. */
  readDeadlineMs: number;
  /** How long removals are remembered for digests. */
  tombstoneMs: number;
  /** Without an answer from some slot leader for this long, the server sends its clients elsewhere and starts anew. */
  leaderSilenceMs: number;
  /** Each slot is compared with its leader this often, in the background. Takes longer where very much is held. */
  compareMs: number;
  /** Slots that begin with one leader at a time hold no more than this, or are one slot; a link buffers 64 MiB at most. */
  digestedBytes: number;
}
