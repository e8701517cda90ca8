import type { DataInfoId, DatumVersion, Failure, Stamp } from '#model';
import type { Subscription } from '../subscription.js';

/** The way of one publication, as far as this server has had to do with it. */
export interface Trace {
  readonly traceId: string;
  readonly dataInfoId: DataInfoId;
  readonly registerId: string;
  readonly begunAtMs: number;
  /** Where it was accepted here. */
  origin?: Origin;
  /** Where somebody here subscribes to it. */
  arrival?: Arrival;
}

export interface Origin {
  readonly acceptedAtMs: number;
  /** The time of day, for people. */
  readonly acceptedWallMs: number;
  state: 'under-way' | 'stored' | 'accepted' | 'failed';
  storedAtMs?: number;
  version?: DatumVersion;
  failure?: Failure;
  /** When the leader has applied it, by this server's clock, and how many session servers it has told. */
  appliedAtMs?: number;
  told?: number;
  clockErrorMs?: number;
}

/** Times are by this server's clock. */
export interface Arrival {
  readonly arrivedAtMs: number;
  readonly acceptedAtMs: number | undefined;
  readonly appliedAtMs: number | undefined;
  readonly clockErrorMs: number | undefined;
  readonly version: DatumVersion;
  /** Of the publication; undefined where it was removed. */
  readonly stamp: Stamp | undefined;
  /** Another word about it came with it. */
  readonly isSuperseded: boolean;
  /** It is part of what was known already, or is to come with a datum that has been asked for. */
  state: 'taken' | 'known' | 'awaited';
  readonly lines: Line[];
  /** Subscribers beyond those that are kept. */
  more: number;
}

/** One subscriber that is to be sent it. */
export interface Line {
  readonly trace: Trace;
  readonly subscription: Subscription;
  readonly address: string;
  readonly appName: string;
  pushedAtMs?: number;
  ackedAtMs?: number;
  /** It has unsubscribed, or its connection has ended, without having acknowledged it. */
  hasLeft?: true;
  /** When it was pushed the publication had changed again, so that the subscriber was sent what came of it. */
  isSuperseded?: true;
}
