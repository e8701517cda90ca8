import type { ContentHash, DataInfoId, DatumVersion, Publication } from '#model';
import type { SessionAgreement } from './agreements.js';
import type { RemovalCounts } from './removal-log.js';
import type { ReplicaLag } from './replication/leader-side.js';
import type { WarmStats } from './warm/warm-slots.js';

/** One slot led, for people. */
export interface SlotReport {
  slot: number;
  leaderEpoch: number;
  sequence: number;
  complete: boolean;
  /** Session incarnations not reconciled yet. */
  waitingFor: string[];
  datums: number;
  publications: number;
  /** Of everything live: equal where the replicas hold the same. */
  hash: ContentHash;
  tombstones: number;
  followers: ReplicaLag[];
  /** Session servers that were found to agree on what they hold. */
  sessions: SessionAgreement[];
}

/** How far the replicas of a slot led here are behind, and how long ago they were found equal. */
export interface SlotLag {
  slot: number;
  followers: ReplicaLag[];
  sessions: SessionAgreement[];
}

/** One slot followed, for people. */
export interface FollowingReport {
  slot: number;
  leader: string;
  leaderEpoch: number;
  /** Of the last operation applied; left out while what differs is still coming. */
  position?: number;
  publications: number;
  hash: ContentHash;
}

/** One datum as the leader holds it, for people. */
export interface DatumReport {
  dataInfoId: DataInfoId;
  slot: number;
  version: DatumVersion;
  complete: boolean;
  publications: Publication[];
  /** The registerIds of those that operators have switched off by their names: they are in nobody's view. */
  hidden: string[];
}

export interface DataStats {
  slotsLed: number;
  slotsPartial: number;
  datums: number;
  publications: number;
  tombstones: number;
  sessionLinks: number;
  slotsFollowed: number;
  /**
   * Comparisons of a follower with its leader, and of a session server with the leader, that failed, and those whose
   * difference has been mended.
   */
  divergencesFound: number;
  divergencesRepaired: number;
  /** Publications that had to travel: session servers were asked for them, or leaders gave them to followers here. */
  publicationsAskedFor: number;
  publicationsCopied: number;
  /** Publications that have left the slots led here, by why. */
  removals: Readonly<RemovalCounts>;
  /** Slots whose persistent publications are being written. */
  slotsWriting: number;
  /** The last write to the disk has failed. */
  diskFailed: boolean;
  warm: WarmStats;
}
