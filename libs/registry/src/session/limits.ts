import type { SessionLimits } from './contract.js';

export const SESSION_LIMITS: Readonly<SessionLimits> = {
  heartbeatMs: 3_000,
  idleTimeoutMs: 10_000,
  graceMs: 3_000,
  massGraceMs: 20_000,
  lossesMany: 50,
  spreadPerConnectionMs: 0.25,
  reconnectSpreadMs: 1_000,
  returnsMany: 20,
  maxConnections: 20_000,
  maxConnectionsPerAddress: 20_000,
  admissionsPerSecond: 5_000,
  drainMs: 15_000,
  movesPerSecond: 1_000,
  writeDeadlineMs: 1_000,
  persistDeadlineMs: 5_000,
  readDeadlineMs: 1_500,
  tombstoneMs: 10 * 60_000,
  leaderSilenceMs: 8_000,
  compareMs: 20_000,
  digestedBytes: 16 * 1024 * 1024,
  mergeMostMs: 500,
  ackWithinMs: 3_000,
  retryMostMs: 60_000,
  failuresMost: 3,
  scanEveryMs: 100,
  scanShare: 500,
  scanRestMs: 1_000,
};

/** Bounds of memory and of work in hand. Beyond them requests are refused with OVERLOADED, and oldest memories go. */
export const BOUNDS = {
  /** Client operations, queries and renewals without an answer, in all. */
  pending: 100_000,
  /** Operations sent to the leader of one slot and not acknowledged. */
  inFlightPerSlot: 20_000,
  /** Live publications held. */
  publications: 2_000_000,
  /** Removals remembered for digests. */
  removals: 200_000,
  subscriptionsPerConnection: 10_000,
  /** Temporary publications whose leader has not answered. */
  announcements: 10_000,
  /** Temporary publications that wait for a subscriber; of more the oldest go. */
  temporaryPerSubscription: 16,
  /** Publications whose ways are kept, and subscribers of each that are listed. */
  traces: 200,
  subscribersPerTrace: 1_000,
  /** Changed publications that a view remembers by name, for deltas: at least, and at most; in between as many as it has. */
  touchedLeast: 64,
  touched: 10_000,
  /** Former versions from which a delta to the present one is made and kept; the others get the whole. */
  deltasPerVersion: 64,
  /** Deltas that a subscriber refuses one after the other before it is sent none any more. */
  deltaRefusals: 3,
  /** Removals remembered for one datum while it is partial. */
  removalsPerDatum: 10_000,
  /** And while it is complete, in case its next leader lags. */
  removalsRemembered: 1_000,
  /** How often a stamp made here for a stampless client is raised above what some leader holds. */
  restamps: 5,
  /** One message of operations to a leader; well below the limit of a frame. */
  messageOperations: 1_000,
  messageBytes: 4 * 1024 * 1024,
} as const;

/** Housekeeping: pings, silence, forgetting. */
export const TICK_MS = 1_000;
/** The way of a publication is kept for so long. */
export const TRACE_MS = 10 * 60_000;
/** Data servers are asked what their clock shows this often, also while more is said to them. */
export const CLOCK_EVERY_MS = 5_000;
/** A link to a data server from which nothing came for this long is hung up. */
export const LINK_SILENCE_MS = 10_000;
/** A data server from which nothing came for this long is reported to meta; both sides are heard once a tick at least. */
export const UNREACHABLE_MS = 2_000;
/**
 * A leader from which nothing came for this long is spoken to through a follower. Longer than a failover takes, and well
 * before this server takes itself for cut off.
 */
export const RELAY_AFTER_MS = 3_000;
/** So many clients are told of other servers at once, and the next after a pause in which others have a turn. */
export const TELL_CLIENTS = 500;
export const TELL_EVERY_MS = 20;
/**
 * Clients that come back are counted in this window and the one before. What they bring waits while they are many, this long at
 * most: less than a client may take to come back at the end of the spread that it is told (LIMITS.clientReturnMs), since all
 * the time the grace is running of what it had published elsewhere.
 */
export const RETURNS_WINDOW_MS = 100;
export const RETURNS_MOST_MS = 500;
/**
 * Many are lost where so many are, of those that were served, within this time, or within the grace where that is shorter. It is
 * how long it takes until the silence of all has shown that are cut off at once: a heartbeat from the first to the last.
 */
export const LOSSES_SHARE = 0.3;
export const LOSSES_WINDOW_MS = 3_000;
/** Told to clients that are asked to go elsewhere; less than the orphan grace, so that their publications wait. */
export const MOVE_SPREAD_MS = 2_000;
/** Clients that a drain asks to go are asked in waves this far apart, and wait for a random part of the spread each. */
export const WAVE_EVERY_MS = 100;
export const WAVE_SPREAD_MS = 500;
/**
 * What a client published that was asked to go waits for so much longer than the grace: the servers it comes to may let it
 * wait, too. When it is there, its stamps are higher, and the end of this takes nothing from it.
 */
export const MOVED_GRACE_MS = 5_000;
/** Who comes to a server that is drained need not ask there again for so long. */
export const DRAINING_RETRY_MS = 5_000;
/** Who comes from an address that has all the connections it may have need not ask again for so long. */
export const ADDRESS_RETRY_MS = 5_000;
/** No client is given a turn later than this. */
export const TURN_MOST_MS = 3_000;
/** A connection that is refused is closed after so long, in which its client can read why. */
export const REFUSED_CLOSE_MS = 100;
export const NO_LEADER_RETRY_MS = 500;
export const OVERLOADED_RETRY_MS = 1_000;
export const NOT_READY_RETRY_MS = 500;
export const READ_ONLY_RETRY_MS = 1_000;
/** When pushes that were stopped go on, so many go out at once, and the next after a pause in which others have a turn. */
export const RELEASE_PUSHES = 1_000;
export const RELEASE_EVERY_MS = 20;
/** When clients are switched off or on, so much is looked at and withdrawn or asked back at once, and the next after a pause. */
export const SWITCH_PUBLICATIONS = 5_000;
export const SWITCH_EVERY_MS = 20;

/**
 * What a push is reckoned to cost a session server: for itself, its acknowledgement included; for each publication in it,
 * copied to the socket; and for each publication that is encoded, once for all. A bare write takes 0.01 ms, and as much is
 * allowed for its acknowledgement: a window that is no longer than its push is over when that has arrived everywhere, so
 * that changes which follow one another as they arrive are never merged.
 */
export const PUSH_WORK_MS = 0.02;
export const COPY_WORK_MS = 0.0001;
export const ENCODE_WORK_MS = 0.005;
