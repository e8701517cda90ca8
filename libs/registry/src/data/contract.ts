import type {
  DataToSession,
  FromMeta,
  LinkEffect,
  LinkEvent,
  LogEffect,
  Member,
  Random,
  RoutingTable,
  SessionToData,
  ToMeta,
  VersionedSwitches,
  WakeEffect,
  WakeEvent,
} from '#model';

export type DataEvent = { type: 'start' } | { type: 'stop' } | WakeEvent | LinkEvent<FromMeta | SessionToData>;

export type DataEffect =
  | WakeEffect
  | LogEffect
  | LinkEffect<ToMeta | DataToSession>
  | { type: 'saveTable'; table: RoutingTable }
  | { type: 'saveSwitches'; switches: VersionedSwitches }
  /** Meta no longer knows this incarnation: the host drops all links and starts a new core under a new incarnation. */
  | { type: 'restart'; reason: string };

export interface DataOptions {
  self: Member;
  metaAddresses: string[];
  random: Random;
  /** What was saved last, if anything. */
  table?: RoutingTable;
  switches?: VersionedSwitches;
  /**
   * Counts starts, from 1, synced to disk by the host before the core is made: it separates the sequences of a run that
   * leads without meta's word from those of every other. 0 for an incarnation that may not: one that follows another in
   * the same process was expelled, so meta has decided about its slots.
   */
  run: number;
  limits?: Partial<DataLimits>;
}

export interface DataLimits {
  /** How long a removal is remembered. */
  tombstoneMs: number;
  /** How long the connected publications of a session incarnation that is gone stay. */
  orphanGraceMs: number;
  /** Session incarnations unreconciled for this long are reported to meta. */
  unreconciledReportMs: number;
  /** A link from which nothing came for this long is closed. */
  linkIdleMs: number;
  /** A restarted server that cannot join for this long leads by its saved table; an election of meta is shorter. */
  standInMs: number;
}
