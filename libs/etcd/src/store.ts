/**
 * The keyspace of etcd v3 as a gRPC edge calls it: below protobuf, above whatever keeps the keys. The edge decodes, calls,
 * and encodes; the store checks everything else, so that every implementation refuses the same. Numbers that are 64 bits
 * wide in etcd (revisions, versions, ids of leases, times to live in seconds) are bigints.
 *
 * What is said of etcd holds as in etcd 3.4. What differs, since the keys are spread over slots that are replicated
 * asynchronously, is said here: see ARCHITECTURE.md, "The keyspace of etcd".
 */
export interface EtcdStore {
  /**
   * Keys from `key` to `rangeEnd`, in order of the keys. After a write that was acknowledged over this store, a range of its
   * key shows it, for as long as the leader of its slot lives. Whatever is not in the answer and happens afterwards has a
   * revision above that of the header, also where the range is over many slots; so a watch from there on misses nothing.
   * @throws EMPTY_KEY, FUTURE_REVISION, COMPACTED (of any `revision` below the present one at which the answer may have been
   * another), UNAVAILABLE
   */
  range(request: RangeRequest): Promise<RangeAnswer>;

  /**
   * Without a lease it is on the disk of every complete replica before this answers; with a lease, in the memory of the
   * slot's leader. A key has one lease or none: a put with another one, or without, detaches it from the former, whose end
   * leaves the key alone.
   * @throws EMPTY_KEY, KEY_TOO_LARGE, REQUEST_TOO_LARGE, LEASE_NOT_FOUND, KEY_NOT_FOUND, VALUE_PROVIDED, LEASE_PROVIDED,
   * UNAVAILABLE, OUTCOME_UNKNOWN, NOT_DURABLE, READ_ONLY, BLACKLISTED, OVERLOADED
   */
  put(request: PutRequest): Promise<PutAnswer>;

  /**
   * Each slot of the range deletes what it holds of it at one revision; several slots do so one beside the other. Leases stay.
   * @throws EMPTY_KEY and as `put`. Where it fails, some slots may have deleted
   */
  deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeAnswer>;

  /**
   * Compares, then does all of `success` or all of `failure`, as one change at one revision, decided by the leader of the
   * slot. All keys that it names are single keys of one directory (what stands before the last `/`).
   * @throws TXN_NOT_SERVED for any other, TOO_MANY_OPS (more than 128 compares, or operations of a branch), DUPLICATE_KEY, and
   * as `range` and `put`
   */
  txn(request: TxnRequest): Promise<TxnAnswer>;

  /**
   * Histories are bounded by themselves, so this forgets nothing more. It answers as etcd does.
   * @throws FUTURE_REVISION, COMPACTED
   */
  compact(revision: bigint): Promise<{ header: Header }>;

  /**
   * @param request `id` 0 has one chosen. A `ttlS` below the least that is kept (2 s) is raised to that, 0 and less as well.
   * @throws LEASE_EXISTS, LEASE_TTL_TOO_LARGE (above 9,000,000,000), OVERLOADED, UNAVAILABLE, OUTCOME_UNKNOWN
   */
  grant(request: { id: bigint; ttlS: bigint }): Promise<{ header: Header; id: bigint; ttlS: bigint }>;

  /** Deletes all keys attached to the lease, then answers. @throws LEASE_NOT_FOUND, UNAVAILABLE, OUTCOME_UNKNOWN */
  revoke(id: bigint): Promise<{ header: Header }>;

  /**
   * Through any session server. `ttlS` is that granted, from now on, or 0 of a lease that there is not (any more).
   * @throws UNAVAILABLE: whether there is such a lease is not known just now. The stream of keepalives is to be ended by it, so
   * that the client tries another server; the lease has lost nothing by that
   */
  keepAlive(id: bigint): Promise<{ header: Header; id: bigint; ttlS: bigint }>;

  /** `ttlS` is what is left, and -1 of a lease that there is not. `keys`, in order, if asked for. @throws UNAVAILABLE */
  timeToLive(id: bigint, options: { keys: boolean }): Promise<TimeToLiveAnswer>;

  /** All leases, in no particular order. @throws UNAVAILABLE */
  leases(): Promise<{ header: Header; ids: bigint[] }>;

  /**
   * Every change of the range from `startRevision` on, or from now on where that is 0: each once, none merged with another, in
   * order of their revisions, all changes of one revision together. Where that can no longer be kept, because the revision
   * is older than what is remembered, or since a failure took changes along that nobody was told of, it ends with
   * `compacted` instead of leaving anything out; the client then reads the range anew.
   *
   * The listener is called in order and never before `watch` has returned; `created` comes first. After `ended` nothing comes.
   * It must not throw.
   */
  watch(request: WatchRequest, listener: (event: WatchEvent) => void): WatchHandle;

  /** Of this server, for Maintenance.Status and the like. Never fails. */
  status(): StoreStatus;
}

/**
 * In every answer. The revision never goes back for whoever talks to one store, nor for one that takes the revision along
 * (as where a watch begins) to another.
 */
export interface Header {
  /** A number made of Rollcall's clusterId. */
  clusterId: bigint;
  /** One made of the server's incarnation. */
  memberId: bigint;
  revision: bigint;
  raftTerm: bigint;
}

export interface KeyValue {
  key: Uint8Array;
  value: Uint8Array;
  createRevision: bigint;
  modRevision: bigint;
  /** 1 when it was created, and one more with every put since. */
  version: bigint;
  /** 0 without one. */
  lease: bigint;
}

/**
 * Left out, `rangeEnd` is empty: the one key. A `rangeEnd` of one zero byte: all from `key` on. Otherwise all from `key` up to
 * `rangeEnd`, that itself not; of a prefix it is the prefix with its last byte raised by one. A `key` of one zero byte is
 * the lowest of all.
 */
export interface KeyRange {
  key: Uint8Array;
  rangeEnd?: Uint8Array;
}

export type SortTarget = 'key' | 'version' | 'create' | 'mod' | 'value';

export interface RangeRequest extends KeyRange {
  /** 0, or left out: all. Of what is sorted, so many are left. */
  limit?: number;
  /** 0, or left out: the present. */
  revision?: bigint;
  sort?: { order: 'none' | 'ascend' | 'descend'; target: SortTarget };
  /** Every range is answered by the leaders of its slots, so this changes nothing. */
  serializable?: boolean;
  /** Values are left empty. */
  keysOnly?: boolean;
  /** `kvs` is left empty. */
  countOnly?: boolean;
  minModRevision?: bigint;
  maxModRevision?: bigint;
  minCreateRevision?: bigint;
  maxCreateRevision?: bigint;
}

export interface RangeAnswer {
  header: Header;
  kvs: KeyValue[];
  /** There would have been more but for the limit. */
  more: boolean;
  /** Of the range, whatever the limit is and the filters are. */
  count: bigint;
}

export interface PutRequest {
  key: Uint8Array;
  value: Uint8Array;
  /** 0, or left out: none. */
  lease?: bigint;
  prevKv?: boolean;
  /** The value stays, and the key must be there. `value` is empty then. */
  ignoreValue?: boolean;
  /** The same of the lease. */
  ignoreLease?: boolean;
}

export interface PutAnswer {
  header: Header;
  /** If asked for, and there was one. */
  prevKv?: KeyValue;
}

export interface DeleteRangeRequest extends KeyRange {
  prevKv?: boolean;
}

export interface DeleteRangeAnswer {
  header: Header;
  deleted: bigint;
  /** Empty unless asked for. */
  prevKvs: KeyValue[];
}

/** A key that is not there has revisions, version and lease 0; compared by its value, it makes any compare false. */
export type Compare = { key: Uint8Array; rangeEnd?: Uint8Array; result: '=' | '!=' | '>' | '<' } & (
  { target: 'create' | 'mod' | 'version' | 'lease'; operand: bigint } | { target: 'value'; operand: Uint8Array }
);

export type TxnOperation =
  | { op: 'range'; request: RangeRequest }
  | { op: 'put'; request: PutRequest }
  | { op: 'deleteRange'; request: DeleteRangeRequest }
  /** Is refused with TXN_NOT_SERVED. */
  | { op: 'txn'; request: TxnRequest };

export interface TxnRequest {
  compare: Compare[];
  success: TxnOperation[];
  failure: TxnOperation[];
}

export type TxnResult =
  | { op: 'range'; answer: RangeAnswer }
  | { op: 'put'; answer: PutAnswer }
  | { op: 'deleteRange'; answer: DeleteRangeAnswer };

export interface TxnAnswer {
  header: Header;
  succeeded: boolean;
  /** Of the branch taken, in its order. The revision of each header is that of the txn. */
  results: TxnResult[];
}

export interface TimeToLiveAnswer {
  header: Header;
  id: bigint;
  ttlS: bigint;
  grantedTtlS: bigint;
  keys: Uint8Array[];
}

export interface WatchRequest extends KeyRange {
  /** 0, or left out: what happens from now on. One that is still to come is waited for. */
  startRevision?: bigint;
  prevKv?: boolean;
  /** What is not told. */
  filters?: ('put' | 'delete')[];
  /** `progress` is told now and then, if nothing else is. */
  progressNotify?: boolean;
}

export interface KeyEvent {
  type: 'put' | 'delete';
  /** Of a deletion: the key, and as `modRevision` that of the deletion; everything else is empty. */
  kv: KeyValue;
  /** If asked for, and there was one, and it is known. */
  prevKv?: KeyValue;
}

export type WatchEvent =
  | { type: 'created'; header: Header }
  /** Events in order; of one revision they are never parted. */
  | { type: 'events'; header: Header; events: KeyEvent[] }
  /** All changes up to the revision of the header have been told. */
  | { type: 'progress'; header: Header }
  /** The watch has ended. A new one may start right after `compactRevision`, once the range has been read. */
  | { type: 'ended'; header: Header; reason: 'compacted'; compactRevision: bigint }
  /** The watch has ended by `cancel`, or since the server stops. */
  | { type: 'ended'; header: Header; reason: 'cancelled' | 'stopped' }
  /** The watch has not begun: EMPTY_KEY, OVERLOADED or UNSUPPORTED. `created` has come before it all the same. */
  | { type: 'ended'; header: Header; reason: 'refused'; code: 'EMPTY_KEY' | 'OVERLOADED' | 'UNSUPPORTED' };

export interface WatchHandle {
  /** `ended` is told, once. */
  cancel(): void;
  /** Has `progress` told as soon as all changes so far have been. */
  requestProgress(): void;
}

export interface StoreStatus {
  header: Header;
  /** Someone leads every slot. */
  isServing: boolean;
}
