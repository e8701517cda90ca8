import type { ConfigState } from '../config.js';
import type { Failure } from '../errors.js';
import type { DataInfoId, Scope } from '../names.js';
import type { Stamp } from '../stamp.js';

/**
 * What clients and session servers say to each other, in the natural form that a stock Nest ClientProxy sends. Names
 * left out take their defaults at the session server. The pattern of a request is `registry.<kind>`.
 */
export interface NameFields {
  dataId: string;
  group?: string;
  instanceId?: string;
}

export interface PublishFields extends NameFields {
  /** Left out by clients that keep no identity; the server then makes one up and answers it. */
  registerId?: string;
  zone?: string;
  appName?: string;
  data: string[];
  /** Left out by clients that keep no stamps; the session server then makes them on the connection's behalf. */
  stamp?: Stamp;
  /** Wall-clock milliseconds at first registration. */
  registerTimestamp?: number;
  /**
   * Says that a server has acknowledged just this before, over another connection: a registry that is read-only takes it
   * all the same.
   */
  replay?: boolean;
  /**
   * It lives until it is unpublished, whatever becomes of the connection. The server stamps it and answers the registerId
   * that it goes by; `stored` says that every complete replica has it on disk.
   */
  persistent?: boolean;
  /**
   * Tells subscribers once, together with what is published, and is kept by no server. Only of a single publish, and
   * answered `announced`.
   */
  temporary?: boolean;
  /** Its way to all subscribers is to be told: the answer names a `traceId`, which `GET /v1/traces/{traceId}` tells of. */
  trace?: boolean;
  /** Everything else travels with the publication untouched. */
  attributes?: Record<string, unknown>;
}

export interface UnpublishFields extends NameFields {
  registerId: string;
  stamp?: Stamp;
}

export type ClientOperation = ({ op: 'publish' } & PublishFields) | ({ op: 'unpublish' } & UnpublishFields);

export interface SubscribeFields extends NameFields {
  scope?: Scope;
  zone?: string;
  /** Chosen by the client, unique on its connection. */
  subscriptionId: string;
  /** What the client holds, if anything: the version it last saw under this clusterId, and the hash that came with it. */
  base?: { clusterId: string; version: string; hash?: string };
  /** The client takes `delta` and `partial` pushes that start from what it was sent before. */
  deltas?: boolean;
  /** The client acknowledges every push; one that is not told is noticed by its first acknowledgement. */
  acks?: boolean;
}

export interface QueryFields extends NameFields {
  scope?: Scope;
  zone?: string;
}

export interface WatchFields {
  key: string;
  /** Chosen by the client, unique on its connection; no subscription has it either. */
  subscriptionId: string;
  /** What the client was told last, if anything. */
  base?: { clusterId: string; version: number };
}

export interface ClientHello {
  protocol: number;
  /** A name for people, such as the application's. */
  appName?: string;
  zone?: string;
  /** The cluster the client has been talking to, if any. */
  clusterId?: string;
  /** In which a client reads large pushes: `gzip`. They come as `{ encoding, packed }`, of which `packed` is the push. */
  encodings?: string[];
  /** The client was refused before, by this server or another, and comes when it was told to. */
  waited?: boolean;
}

/** Patterns of the session server, each with its payload and answer. */
export interface ClientRequests {
  /** A stream: `welcome` first, then notices for as long as the connection lives. */
  'registry.hello': { request: ClientHello; response: Notice };
  'registry.apply': { request: { operations: ClientOperation[] }; response: { results: ClientResult[] } };
  'registry.publish': { request: PublishFields; response: ClientResult };
  'registry.unpublish': { request: UnpublishFields; response: ClientResult };
  'registry.query': { request: QueryFields; response: DatumView };
  /** A stream of pushes. */
  'registry.subscribe': { request: SubscribeFields; response: Push };
  /** A stream of what a configuration value is, and becomes. */
  'registry.watch': { request: WatchFields; response: ConfigPush };
  /** Ends a watch, too. */
  'registry.unsubscribe': { request: { subscriptionId: string }; response: Record<string, never> };
  /** `refused`: the push does not apply to what the client holds; it is answered by a snapshot. */
  'registry.ack': {
    request: { subscriptionId: string; version: string; refused?: boolean };
    response: Record<string, never>;
  };
  'registry.heartbeat': { request: Record<string, never>; response: Record<string, never> };
  /** Removes everything the connection published, at once; answered when the removals are recorded. */
  'registry.goodbye': { request: Record<string, never>; response: Record<string, never> };
}

/**
 * `stored`: the slot leader has it. `accepted`: no leader was reachable within the deadline; the session server keeps
 * trying and the client need do nothing. `announced`: a temporary publication is on its way to all subscribers. `failed`: see the failure; STALE_REGISTRATION carries `details.held`.
 */
export type ClientResult =
  | { status: 'stored'; registerId: string; dataInfoId: DataInfoId; version: string; traceId?: string }
  | { status: 'accepted'; registerId: string; dataInfoId: DataInfoId; traceId?: string }
  | { status: 'announced'; registerId: string; dataInfoId: DataInfoId }
  | { status: 'failed'; registerId?: string; failure: Failure };

export type Notice =
  | {
      type: 'welcome';
      protocol: number;
      clusterId: string;
      /** Incarnation of the session server. */
      session: string;
      /** The zone that the client is taken to be in, and the data center of the cluster. */
      zone?: string;
      dataCenter?: string;
      heartbeatMs: number;
      idleTimeoutMs: number;
      /** RPC addresses of session servers, this one among them. */
      sessions: string[];
      /** A client that loses this connection waits for a random part of this before it dials another; none when left out. */
      reconnectSpreadMs?: number;
    }
  /** Where to go when this connection is lost, and how far to spread that, have changed since the welcome. */
  | { type: 'servers'; sessions: string[]; reconnectSpreadMs: number }
  /** A publication that was answered `accepted` or `stored` met a newer stamp later on; publish again above `held`. */
  | { type: 'stale'; registerId: string; held: Stamp }
  /** The server asks the client to go elsewhere, after a random wait of up to `spreadMs`. */
  | { type: 'move'; reason: string; spreadMs: number };

/** A publisher as subscribers see it. */
export interface PublisherView {
  registerId: string;
  zone: string;
  appName: string;
  registerTimestamp: number;
  data: string[];
  [field: string]: unknown;
}

export interface DatumView {
  dataInfoId: DataInfoId;
  clusterId: string;
  version: string;
  /** Present and true when the answer is not complete yet: absence proves nothing. */
  partial?: true;
  publishers: PublisherView[];
  /** Told this once, beside the list. */
  temporary?: PublisherView[];
}

/**
 * `snapshot` replaces the client's list. `delta` changes it, and applies only to the version `from`. `partial` adds and
 * updates, and removes only what `removed` names: it never removes by absence; with a `from`, it too applies to that
 * version only. `unchanged` says that the client's base is current. `pending` says that nothing is known yet; the client
 * keeps what it has. `temporary` are temporary publications, told this once beside the list and no part of it: with them
 * comes what is published at the time, also where the client has that already.
 *
 * `hash` is that of the whole list, 16 hexadecimal digits: two sums of 32 bits each, modulo 2^32, over the `hashes` of its
 * publishers. A client that takes deltas is given those, in the order of `publishers`, keeps them, and finds so after a
 * delta that it holds what it should; if not, it refuses the delta.
 */
export type Push =
  | {
      type: 'snapshot';
      dataInfoId: DataInfoId;
      clusterId: string;
      version: string;
      publishers: PublisherView[];
      hashes?: string[];
      hash?: string;
      temporary?: PublisherView[];
    }
  | {
      type: 'delta';
      dataInfoId: DataInfoId;
      clusterId: string;
      from: string;
      version: string;
      publishers: PublisherView[];
      hashes: string[];
      removed: string[];
      hash: string;
      temporary?: PublisherView[];
    }
  | {
      type: 'partial';
      dataInfoId: DataInfoId;
      clusterId: string;
      from?: string;
      version: string;
      publishers: PublisherView[];
      hashes?: string[];
      removed: string[];
      temporary?: PublisherView[];
    }
  | { type: 'unchanged'; dataInfoId: DataInfoId; clusterId: string; version: string; hash?: string }
  | { type: 'pending'; dataInfoId: DataInfoId };

/** A configuration value, now or after a change of it; without `value` there is none. It is not acknowledged. */
export interface ConfigPush extends ConfigState {
  type: 'config';
  clusterId: string;
}
