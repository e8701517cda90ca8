/** Bounds on what a client of the keyspace may hand in. */
export const ETCD_LIMITS = {
  /** The least and the most that a lease may be granted for, in seconds, as in etcd. */
  minTtlS: 2n,
  maxTtlS: 9_000_000_000n,
  /** Compares of a txn, and operations of one branch of it. */
  txnOps: 128,
  /** Keys and values of one request together, as in etcd. */
  requestBytes: 1.5 * 1024 * 1024,
  /** What stands before the last slash of a key, and what stands behind it, each in its escaped form. */
  directoryBytes: 480,
  nameBytes: 1_024,
} as const;
