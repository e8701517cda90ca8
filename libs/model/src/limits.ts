/** Bounds on what a client may hand in, enforced at every edge. Bytes are UTF-8. */
export const LIMITS = {
  /** dataId, group, instanceId, zone, appName, a caller's own registerId, the key of a configuration value. */
  nameBytes: 512,
  /** A canonical registerId carries its dataInfoId, so it may be longer than a name. */
  registerIdBytes: 4096,
  /** All data strings of one publication together. */
  dataBytes: 64 * 1024,
  /** Strings in the data of one publication. */
  dataStrings: 10_000,
  /** The encoded body of one publication: its data and every attribute that travels with it. */
  bodyBytes: 256 * 1024,
  /** How deep lists and objects are nested in one publication. Messages that carry it, which nest it deeper, may have 64. */
  bodyDepth: 32,
  /** A message may have one list or object more for so many of its bytes. */
  bytesPerContainer: 8,
  /** Operations in one `registry.apply`. */
  operationsPerApply: 1_000,
  /** Names that one stream of server-sent events watches. Each of its ids tells of all of them, and must fit in a header. */
  watchedDataIds: 100,
  /** What one switch names. */
  switchEntries: 1_000,
  /** The longest that a switch can have changes merged for. */
  pushWindowMs: 10_000,
  /** One configuration value. */
  configValueBytes: 64 * 1024,
  configKeys: 1_000,
  /** All configuration values together, since every meta server holds them in memory and in each snapshot. */
  configBytes: 16 * 1024 * 1024,
  /** Configuration values that one client connection watches, and that all clients of one session server watch. */
  configKeysPerConnection: 1_000,
  configKeysPerSession: 10_000,
  /** Session servers that a client is told of. */
  sessionsTold: 256,
  /**
   * What a client needs, after the spread of reconnects that it was told, to be connected and to have published everything
   * again: every grace in which its publications wait is at least this much longer than the spread.
   */
  clientReturnMs: 2_000,
  minLeaseMs: 1_000,
  maxLeaseMs: 24 * 60 * 60 * 1000,
  defaultLeaseMs: 15_000,
  /** Of any lease that servers keep: those of keys of etcd are twice as long as the longest of its leases, and more. */
  longestLeaseMs: 20_000_000_000_000,
  /** One frame on any RPC socket. */
  frameBytes: 16 * 1024 * 1024,
  /** One HTTP body. */
  httpBodyBytes: 1024 * 1024,
} as const;
