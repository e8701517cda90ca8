import type {
  ConfigState,
  FromMeta,
  LinkEffect,
  LinkEvent,
  LogEffect,
  Member,
  Random,
  RoutingTable,
  ToMeta,
  VersionedSwitches,
} from '#model';

/**
 * What data and session servers have in common: finding meta, joining, keeping the lease, holding the newest table.
 * A part of their cores, not a core of its own: the owner passes it the events of its meta links, asks `wakeAtMs`, and
 * puts `effects` among its own.
 */
export interface MembershipOptions {
  self: Member;
  metaAddresses: string[];
  random: Random;
  /** What was saved by an earlier process here. */
  table?: RoutingTable;
  switches?: VersionedSwitches;
}

export type MembershipOutcome = {
  effects: (LinkEffect<ToMeta> | LogEffect)[];
  /** Present when a newer table was taken. */
  table?: RoutingTable;
  /** Present when newer switches were taken. */
  switches?: VersionedSwitches;
  /** Configuration values that were asked for. */
  config?: ConfigState[];
  /** True when meta no longer knows this incarnation. */
  expelled?: boolean;
  /** True on the step in which the join succeeded (again). */
  joined?: boolean;
  /** Slots that meta wants to be led by a follower. */
  handOver?: Extract<FromMeta, { kind: 'handOver' }>;
};

export type MembershipEvent = LinkEvent<FromMeta> | { type: 'start' } | { type: 'stop' } | { type: 'wake' };
