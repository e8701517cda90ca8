import type {
  DataToSession,
  DurableEntry,
  FromMeta,
  LeaderToRelay,
  LeaderToReplica,
  LinkEffect,
  LinkEvent,
  LogEffect,
  Member,
  Random,
  RelayToLeader,
  ReplicaToLeader,
  RoutingTable,
  SessionToData,
  ToMeta,
  VersionedSwitches,
  WakeEffect,
  WakeEvent,
} from '#model';
import type { PersistBatch } from './durable/durable-replica.js';
import type { KeepBatch } from './warm/keeper.js';
import type { WarmCopy } from './warm/warm-copy.js';
import type { ReplicationLimits } from './replication/leader-side.js';

/** What data servers hear from other servers, and say to them. */
export type ToData = FromMeta | SessionToData | ReplicaToLeader | LeaderToReplica | RelayToLeader | LeaderToRelay;
export type FromData =
  ToMeta | DataToSession | ReplicaToLeader | LeaderToReplica | RelayToLeader | LeaderToRelay | Ping;
/** Followers keep their links to leaders alive, and learn from the answers whether those have a newer table. */
export type Ping = Extract<SessionToData, { kind: 'ping' | 'tableRequest' }>;

export type DataEvent =
  | { type: 'start' }
  | { type: 'stop' }
  | WakeEvent
  | LinkEvent<ToData>
  /** Of `persist`. The events come in the order of the effects. */
  | { type: 'persisted'; token: number }
  | { type: 'persistFailed'; token: number; message: string }
  /** Of `keep`. */
  | { type: 'kept'; token: number }
  | { type: 'keepFailed'; token: number; message: string };

export type DataEffect =
  | WakeEffect
  | LogEffect
  | LinkEffect<FromData>
  | { type: 'saveTable'; table: RoutingTable }
  | { type: 'saveSwitches'; switches: VersionedSwitches }
  | PersistBatch
  | KeepBatch
  /** Meta no longer knows this incarnation: the host drops all links and starts a new core under a new incarnation. */
  | { type: 'restart'; reason: string };

export interface DataOptions {
  self: Member;
  metaAddresses: string[];
  random: Random;
  /** What was saved last, if anything. */
  table?: RoutingTable;
  switches?: VersionedSwitches;
  /** What is on the disk that `self` names. */
  stored?: Iterable<StoredEntry>;
  /** False where it may not be written yet: then it is written again. */
  isStored?: boolean;
  /** What an earlier process here has kept of its slots; left out where nothing is to be kept. */
  warm?: WarmCopy;
  /**
   * Counts starts, from 1, synced to disk by the host before the core is made: it separates the sequences of a run that
   * leads without meta's word from those of every other. 0 for an incarnation that may not: one that follows another in
   * the same process was expelled, so meta has decided about its slots.
   */
  run: number;
  limits?: Partial<DataLimits>;
}

/** A persistent publication as it was read from disk. */
export interface StoredEntry {
  slot: number;
  entry: DurableEntry;
}

export interface DataLimits extends ReplicationLimits {
  /** How long a removal is remembered. */
  tombstoneMs: number;
  /** How long the connected publications of a session incarnation that is gone stay. */
  orphanGraceMs: number;
  /** The same, where its links did not break but nothing came any more: its clients take a while to notice. */
  silentGraceMs: number;
  /** Session incarnations unreconciled for this long are reported to meta. */
  unreconciledReportMs: number;
  /** A link from which nothing came for this long is closed. */
  linkIdleMs: number;
  /** A restarted server that cannot join for this long leads by its saved table; an election of meta is shorter. */
  standInMs: number;
  /** A slot that is handed over takes no writes for at most this long. */
  sealMs: number;
  /** A disk for which persistent writes have waited for this long is reported to be behind. */
  durablePatienceMs: number;
  /** Changes that wait to be kept for a warm start; beyond that its copy is begun anew. */
  warmPending: number;
}
