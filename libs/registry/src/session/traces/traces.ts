import {
  type DataInfoId,
  type DatumVersion,
  type Stamp,
  type TraceApplied,
  type Traced,
  compareStamps,
  randomId,
} from '#model';
import type { SessionContext } from '../context.js';
import type { ConnectionId, SessionResult } from '../contract.js';
import { BOUNDS, TRACE_MS } from '../limits.js';
import type { Subscription } from '../subscription.js';
import type { View } from '../view.js';
import { type TraceReport, type WaitsFor, reportOf } from './report.js';
import type { Arrival, Line, Trace } from './trace.js';

/** What is told of a client beside its subscription. */
export interface Client {
  address: string;
  appName: string;
}

/** The clock of the data server that something was heard from. */
export interface HeardClock {
  toOurs(atMs: number): number | undefined;
  readonly errorMs: number | undefined;
}

/** A change that brings what is traced. */
export interface TracedChange {
  version: DatumVersion;
  clock: HeardClock;
  stampOf(registerId: string): Stamp | undefined;
}

type Outcome =
  | { status: 'stored'; version: DatumVersion }
  | { status: 'accepted' }
  | Pick<SessionResult & { status: 'failed' }, 'status' | 'failure'>;

/**
 * The ways of single publications, for people who ask why one is not seen, or is seen late. Each session server keeps what it
 * has itself to do with: that it was accepted, that it has come from the leader, and what has become of it at each of its
 * subscribers. Nothing of it costs anything while nothing is traced; the latest are kept, for some minutes.
 */
export class Traces {
  /** From the oldest on. */
  private readonly all = new Map<string, Trace>();

  constructor(
    private readonly context: SessionContext,
    private readonly clientOf: (connection: ConnectionId) => Client | undefined,
    private readonly waitsFor: (subscription: Subscription) => WaitsFor,
  ) {}

  get size(): number {
    return this.all.size;
  }

  /** A publication is accepted here, and is to be traced. */
  begin(registerId: string, dataInfoId: DataInfoId, wallMs: number): string {
    const traceId = randomId(this.context.random);
    const { nowMs } = this.context;
    const trace = this.add({ traceId, registerId, dataInfoId, begunAtMs: nowMs });
    trace.origin = { acceptedAtMs: nowMs, acceptedWallMs: wallMs, state: 'under-way' };
    return traceId;
  }

  /** Its client is answered, or would be, if it had not been already. */
  answered(traceId: string | undefined, outcome: Outcome): void {
    const origin = traceId === undefined ? undefined : this.all.get(traceId)?.origin;
    if (!origin || origin.state === 'stored') return;
    origin.state = outcome.status;
    if (outcome.status === 'stored') {
      origin.storedAtMs = this.context.nowMs;
      origin.version = outcome.version;
    } else if (outcome.status === 'failed') origin.failure = outcome.failure;
  }

  /** What the leader says of what it was sent from here. */
  applied(traced: readonly TraceApplied[], clock: HeardClock | undefined): void {
    for (const { traceId, appliedAtMs, told } of traced) {
      const origin = this.all.get(traceId)?.origin;
      if (!origin) continue;
      origin.told = told;
      const atMs = clock?.toOurs(appliedAtMs);
      if (!clock || atMs === undefined) continue;
      origin.appliedAtMs = atMs;
      if (clock.errorMs !== undefined) origin.clockErrorMs = clock.errorMs;
    }
  }

  /** It comes from the leader, with a change of a datum that somebody here subscribes to. */
  arrived(
    { traceId, registerId, acceptedAtMs, appliedAtMs, superseded = false }: Traced,
    dataInfoId: DataInfoId,
    state: Arrival['state'],
    { version, clock, stampOf }: TracedChange,
  ): Trace {
    const arrivedAtMs = this.context.nowMs;
    const trace = this.all.get(traceId) ?? this.add({ traceId, registerId, dataInfoId, begunAtMs: arrivedAtMs });
    trace.arrival ??= {
      ...{ arrivedAtMs, version, state, stamp: stampOf(registerId), isSuperseded: superseded, lines: [], more: 0 },
      ...{
        acceptedAtMs: ours(clock, acceptedAtMs),
        appliedAtMs: ours(clock, appliedAtMs),
        clockErrorMs: clock.errorMs,
      },
    };
    return trace;
  }

  /** It is now part of what the view shows, and no subscriber of that has been sent it yet. */
  follow(trace: Trace, view: View): void {
    const { arrival } = trace;
    if (!arrival || this.all.get(trace.traceId) !== trace) return;
    arrival.state = 'taken';
    for (const subscription of view.subscriptions) {
      if (arrival.lines.length >= BOUNDS.subscribersPerTrace) {
        arrival.more++;
        continue;
      }
      const { address = '', appName = '' } = this.clientOf(subscription.connection) ?? {};
      const line: Line = {
        trace,
        subscription,
        address,
        appName,
        ...(arrival.isSuperseded ? { isSuperseded: true } : {}),
      };
      arrival.lines.push(line);
      (subscription.traced ??= []).push(line);
    }
  }

  /** The datum has it, and whoever is to be sent it is followed. What changes nothing for anybody was known here. */
  shown({ arrival }: Trace): void {
    if (arrival?.lines.length === 0) arrival.state = 'known';
  }

  /** The newest state of its view goes out to the subscriber. */
  pushed(subscription: Subscription): void {
    const { traced, acks, view } = subscription;
    if (!traced) return;
    for (const line of traced) {
      if (line.pushedAtMs !== undefined) continue;
      line.pushedAtMs = this.context.nowMs;
      const { registerId, arrival } = line.trace;
      const now = view.datum.entries.get(registerId)?.publication.stamp;
      if (!isSame(now, arrival!.stamp)) line.isSuperseded = true;
    }
    if (!acks) subscription.traced = undefined;
  }

  acknowledged(subscription: Subscription): void {
    const { traced } = subscription;
    if (!traced) return;
    for (const line of traced) if (line.pushedAtMs !== undefined) line.ackedAtMs = this.context.nowMs;
    const open = traced.filter(({ ackedAtMs }) => ackedAtMs === undefined);
    subscription.traced = open.length > 0 ? open : undefined;
  }

  left(subscription: Subscription): void {
    for (const line of subscription.traced ?? []) line.hasLeft = true;
    subscription.traced = undefined;
  }

  /** For people. Undefined for what never was traced, or long ago. */
  report(traceId: string): TraceReport | undefined {
    const trace = this.all.get(traceId);
    return trace && reportOf(trace, ({ subscription }) => this.waitsFor(subscription));
  }

  private add(trace: Trace): Trace {
    if (this.all.size >= BOUNDS.traces) this.forget(this.all.values().next().value!);
    this.all.set(trace.traceId, trace);
    if (this.all.size === 1) this.forgetLater(trace);
    return trace;
  }

  private forgetLater({ begunAtMs }: Trace): void {
    this.context.timers.at(begunAtMs + TRACE_MS, () => {
      this.forgetOld();
      const [oldest] = this.all.values();
      if (oldest) this.forgetLater(oldest);
    });
  }

  private forgetOld(): void {
    for (const trace of this.all.values()) {
      if (this.context.nowMs - trace.begunAtMs < TRACE_MS) return;
      this.forget(trace);
    }
  }

  private forget(trace: Trace): void {
    this.all.delete(trace.traceId);
    for (const { subscription } of trace.arrival?.lines ?? []) {
      const open = subscription.traced?.filter((line) => line.trace !== trace);
      subscription.traced = open && open.length > 0 ? open : undefined;
    }
  }
}

function ours(clock: HeardClock, atMs: number | undefined): number | undefined {
  return typeof atMs === 'number' && Number.isFinite(atMs) ? clock.toOurs(atMs) : undefined;
}

function isSame(a: Stamp | undefined, b: Stamp | undefined): boolean {
  return a && b ? compareStamps(a, b) === 0 : a === b;
}
