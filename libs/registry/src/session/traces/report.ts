import { type DataInfoId, type Failure, formatVersion } from '#model';
import type { ConnectionId } from '../contract.js';
import type { Arrival, Line, Origin, Trace } from './trace.js';

/** Why a subscriber has not been sent something yet, or what is still to come of it. */
export type WaitsFor =
  | 'push-stop'
  | 'slow-reader'
  | 'circuit-open'
  | 'earlier-push'
  | 'merge-window'
  | 'complete-answer'
  | 'push'
  | 'acknowledgement';

/** For people. What is `...AfterMs` of a subscriber counts from the arrival at its session server, all else from the acceptance. */
export interface TracedSubscriber {
  connection: ConnectionId;
  address: string;
  appName?: string;
  zone: string;
  subscriptionId: string;
  state: 'pending' | 'pushed' | 'acked' | 'left';
  superseded?: true;
  pushedAfterMs?: number;
  ackedAfterMs?: number;
  waitsFor?: WaitsFor;
}

export interface TracedOrigin {
  /** The time of day at the session server that accepted it. */
  acceptedAt: string;
  state: Origin['state'];
  version?: string;
  appliedAfterMs?: number;
  clockErrorMs?: number;
  storedAfterMs?: number;
  /** Session servers that the leader has told. */
  told?: number;
  failure?: Failure;
}

export interface TracedArrival {
  version: string;
  state: Arrival['state'];
  appliedAfterMs?: number;
  arrivedAfterMs?: number;
  clockErrorMs?: number;
  counts: Record<TracedSubscriber['state'], number>;
  subscribers: TracedSubscriber[];
  /** Subscribers that are not listed, and not counted. */
  more?: number;
}

/** What one session server knows of a trace. */
export interface TraceReport {
  traceId: string;
  dataInfoId: DataInfoId;
  registerId: string;
  origin?: TracedOrigin;
  arrival?: TracedArrival;
}

export function reportOf(trace: Trace, waitsFor: (line: Line) => WaitsFor): TraceReport {
  const { traceId, dataInfoId, registerId, origin, arrival } = trace;
  return {
    ...{ traceId, dataInfoId, registerId },
    ...(origin ? { origin: originOf(origin) } : {}),
    ...(arrival ? { arrival: arrivalOf(arrival, origin, waitsFor) } : {}),
  };
}

function originOf(origin: Origin): TracedOrigin {
  const { acceptedAtMs, acceptedWallMs, state, version, appliedAtMs, storedAtMs, told, failure, clockErrorMs } = origin;
  return {
    acceptedAt: new Date(acceptedWallMs).toISOString(),
    state,
    ...(version ? { version: formatVersion(version) } : {}),
    ...since(acceptedAtMs, 'appliedAfterMs', appliedAtMs),
    ...(clockErrorMs === undefined ? {} : { clockErrorMs: rounded(clockErrorMs) }),
    ...since(acceptedAtMs, 'storedAfterMs', storedAtMs),
    ...(told === undefined ? {} : { told }),
    ...(failure ? { failure } : {}),
  };
}

function arrivalOf(arrival: Arrival, origin: Origin | undefined, waitsFor: (line: Line) => WaitsFor): TracedArrival {
  const { version, state, arrivedAtMs, appliedAtMs, lines, more } = arrival;
  // What was accepted here needs no other's clock.
  const acceptedAtMs = origin?.acceptedAtMs ?? arrival.acceptedAtMs;
  const clockErrorMs = origin ? undefined : arrival.clockErrorMs;
  const subscribers = lines.map((line) => subscriberOf(line, arrivedAtMs, waitsFor));
  const counts = { pending: 0, pushed: 0, acked: 0, left: 0 };
  for (const subscriber of subscribers) counts[subscriber.state]++;
  return {
    ...{ version: formatVersion(version), state },
    ...since(acceptedAtMs, 'appliedAfterMs', appliedAtMs),
    ...since(acceptedAtMs, 'arrivedAfterMs', arrivedAtMs),
    ...(clockErrorMs === undefined ? {} : { clockErrorMs: rounded(clockErrorMs) }),
    ...{ counts, subscribers },
    ...(more > 0 ? { more } : {}),
  };
}

function subscriberOf(line: Line, arrivedAtMs: number, waitsFor: (line: Line) => WaitsFor): TracedSubscriber {
  const { subscription, address, appName, pushedAtMs, ackedAtMs } = line;
  const { connection, subscriptionId, zone } = subscription;
  const state = stateOf(line);
  const isWaiting = state === 'pending' || (state === 'pushed' && subscription.acks);
  return {
    ...{ connection, address, ...(appName ? { appName } : {}), zone, subscriptionId, state },
    ...(line.isSuperseded ? { superseded: true as const } : {}),
    ...since(arrivedAtMs, 'pushedAfterMs', pushedAtMs),
    ...since(arrivedAtMs, 'ackedAfterMs', ackedAtMs),
    ...(isWaiting ? { waitsFor: state === 'pushed' ? ('acknowledgement' as const) : waitsFor(line) } : {}),
  };
}

function stateOf({ ackedAtMs, hasLeft, pushedAtMs }: Line): TracedSubscriber['state'] {
  if (ackedAtMs !== undefined) return 'acked';
  if (hasLeft) return 'left';
  return pushedAtMs === undefined ? 'pending' : 'pushed';
}

function since<Name extends string>(
  fromMs: number | undefined,
  name: Name,
  atMs: number | undefined,
): { [name in Name]?: number } {
  if (fromMs === undefined || atMs === undefined) return {};
  return { [name]: rounded(Math.max(atMs - fromMs, 0)) } as { [name in Name]?: number };
}

/** Microseconds are enough. */
function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
