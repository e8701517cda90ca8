import { LIMITS } from '#model';
import type { ClientLimits } from './contract.js';

/**
 * `requestTimeoutMs` is longer than a session server takes to answer `accepted`, and together with one heartbeat it is
 * shorter than the server's idle timeout, so that the client notices a dead connection before its grace begins.
 * `appliesInFlight` leaves room for requests that wait for a slot without a leader, so that they hold up no others.
 */
export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  reconnectMinMs: 100,
  reconnectMaxMs: 5_000,
  requestTimeoutMs: 5_000,
  dialTimeoutMs: 2_000,
  applyBatch: 256,
  appliesInFlight: 16,
  keepEveryMs: 1_000,
  pendingCalls: 100_000,
};

/** Bytes of one `registry.apply`, far below the frame limit; a single larger operation still travels alone. */
export const APPLY_BYTES = 1024 * 1024;

/** A connection that lived this long was a good one: its loss is answered by dialling at once. */
export const STABLE_MS = 1_000;

/** Refusals as stale within this time of each other belong to one quarrel, which slows down as it goes on. */
export const STALE_STREAK_MS = 60_000;

/** After so many refusals as stale in one quarrel a waiting call is told. */
export const STALE_ATTEMPTS = 5;

/** A wake-up later than this means that the whole process stood still, and answers may be waiting unread. */
export const STALL_MS = 500;

/** No server can ask for a longer wait than this before a retry. */
export const RETRY_AFTER_MAX_MS = 30_000;

/** A server that refuses without saying for how long is asked again after this. */
export const REFUSED_RETRY_MS = 1_000;

/** No server can have its clients wait for longer than this before they dial another. */
export const RECONNECT_SPREAD_MAX_MS = 10_000;

/** Views written to disk in one go. */
export const KEEP_BATCH = 100;

/** Of the addresses dialled in a round, one in so many is a seed as long as there are any: those learned may all be gone. */
export const SEED_EVERY = 4;

export const DEFAULT_HEARTBEAT_MS = 3_000;

export function clientLimits(given: Partial<ClientLimits> = {}): ClientLimits {
  const limits = { ...DEFAULT_CLIENT_LIMITS, ...given };
  return {
    ...limits,
    applyBatch: Math.max(1, Math.min(limits.applyBatch, LIMITS.operationsPerApply)),
    appliesInFlight: Math.max(1, limits.appliesInFlight),
  };
}
