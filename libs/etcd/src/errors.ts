/**
 * The closed table of how a request to the keyspace can fail. `grpc` is the name of the status code and `text` the message
 * that etcd 3.4 answers, where it knows the failure: clients compare these texts. What only Rollcall answers begins with
 * `rollcall:`.
 */
export const ETCD_CODES = {
  EMPTY_KEY: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: key is not provided' },
  KEY_NOT_FOUND: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: key not found' },
  VALUE_PROVIDED: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: value is provided' },
  LEASE_PROVIDED: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: lease is provided' },
  TOO_MANY_OPS: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: too many operations in txn request' },
  DUPLICATE_KEY: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: duplicate key given in txn request' },
  INVALID_SORT_OPTION: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: invalid sort option' },
  REQUEST_TOO_LARGE: { grpc: 'INVALID_ARGUMENT', text: 'etcdserver: request is too large' },
  KEY_TOO_LARGE: { grpc: 'INVALID_ARGUMENT', text: 'rollcall: the key is longer than this keyspace can hold' },
  COMPACTED: { grpc: 'OUT_OF_RANGE', text: 'etcdserver: mvcc: required revision has been compacted' },
  FUTURE_REVISION: { grpc: 'OUT_OF_RANGE', text: 'etcdserver: mvcc: required revision is a future revision' },
  LEASE_NOT_FOUND: { grpc: 'NOT_FOUND', text: 'etcdserver: requested lease not found' },
  LEASE_EXISTS: { grpc: 'FAILED_PRECONDITION', text: 'etcdserver: lease already exists' },
  LEASE_TTL_TOO_LARGE: { grpc: 'OUT_OF_RANGE', text: 'etcdserver: too large lease TTL' },
  /** Of a txn that names keys of several directories, or a range of keys; locks and elections need those. */
  TXN_NOT_SERVED: {
    grpc: 'UNIMPLEMENTED',
    text: 'rollcall: a txn is served where all that it names are single keys of one directory',
  },
  /** A call that would promise what cannot be kept. The message says which. */
  NOT_SERVED: { grpc: 'UNIMPLEMENTED', text: 'rollcall: this is not served' },
  AUTH_NOT_ENABLED: { grpc: 'FAILED_PRECONDITION', text: 'etcdserver: authentication is not enabled' },
  /** It was certainly not done. The slot has no leader that is complete, just now. */
  UNAVAILABLE: { grpc: 'UNAVAILABLE', text: 'etcdserver: no leader' },
  /** It may have been done or not. */
  OUTCOME_UNKNOWN: { grpc: 'UNAVAILABLE', text: 'etcdserver: request timed out' },
  /** It is not on all disks yet that it must be on; it may still come to that. */
  NOT_DURABLE: {
    grpc: 'UNAVAILABLE',
    text: 'etcdserver: request timed out, waiting for the applied index took too long',
  },
  READ_ONLY: { grpc: 'UNAVAILABLE', text: 'rollcall: the registry is read-only just now' },
  BLACKLISTED: { grpc: 'PERMISSION_DENIED', text: 'rollcall: operators have switched the name off' },
  /** Some member of the cluster is of a version that does not know the keyspace. */
  UNSUPPORTED: { grpc: 'FAILED_PRECONDITION', text: 'rollcall: not all servers of the cluster support this yet' },
  OVERLOADED: { grpc: 'RESOURCE_EXHAUSTED', text: 'etcdserver: too many requests' },
  SHUTTING_DOWN: { grpc: 'UNAVAILABLE', text: 'etcdserver: server stopped' },
  INTERNAL: { grpc: 'INTERNAL', text: 'rollcall: a defect in the server; its log has the details' },
} as const;

export type EtcdCode = keyof typeof ETCD_CODES;

/** What an {@link EtcdStore} rejects with, and nothing else. */
export class EtcdError extends Error {
  readonly code: EtcdCode;

  constructor(code: EtcdCode, message?: string, options?: ErrorOptions) {
    super(message ?? ETCD_CODES[code].text, options);
    this.name = 'EtcdError';
    this.code = code;
  }
}
