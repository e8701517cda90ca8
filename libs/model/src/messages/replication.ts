import type { DataInfoId } from '../names.js';
import type { Publication, Removal } from '../publication.js';
import type { Stamp } from '../stamp.js';
import type { Operation } from './data.js';

/**
 * What the replicas of a slot say to each other. The follower dials the leader and asks to follow; the leader answers with
 * what differs and then streams every operation. Everything names the leaderEpoch of the stream, and `number`, which counts
 * the follower's requests: what belongs to an earlier one is void.
 */

/** An operation as the leader applied it: its stamp is final. `by`: see `RecordedRemoval`. */
export type ReplicatedOperation = Operation & { by: string };

/** All that the leader holds under one dataInfoId, live and remembered removals. */
export interface ReplicatedDatum {
  dataInfoId: DataInfoId;
  publications: Publication[];
  removals: Removal[];
}

/** A persistent publication as disks hold it; without the publication, the memory of its removal. */
export interface DurableEntry {
  registerId: string;
  dataInfoId: DataInfoId;
  stamp: Stamp;
  publication?: Publication;
}

/** 64 bits, as 16 hexadecimal digits; equal contents have equal hashes. */
export type ContentHash = string;

export type ReplicaToLeader =
  /** Asks for what differs from these hashes of what the sender holds, and for every operation from then on. */
  | {
      kind: 'follow';
      slot: number;
      leaderEpoch: number;
      number: number;
      hashes: [DataInfoId, ContentHash][];
      /** The same of what the sender has on its disk, which may be more than what is shown. */
      durable?: [DataInfoId, ContentHash][];
    }
  /** What the leader gave to be written, up to this position, is on the sender's disk. */
  | { kind: 'written'; slot: number; leaderEpoch: number; number: number; position: number }
  /**
   * Everything to `position` is applied, and that many parts of the answer to `follow` were taken. `agrees`: at that position
   * the sender has come to what `compare` says.
   */
  | {
      kind: 'replicated';
      slot: number;
      leaderEpoch: number;
      number: number;
      parts: number;
      position: number;
      agrees?: boolean;
    };

export type LeaderToReplica =
  /**
   * A part of what differs. Each datum replaces the one held; what is `gone` is to be dropped. The last part names the
   * position from which the operations follow; some of them may be contained already.
   */
  | {
      kind: 'replica';
      slot: number;
      leaderEpoch: number;
      number: number;
      datums: ReplicatedDatum[];
      gone: DataInfoId[];
      position?: number;
    }
  /** Operations in order; the first is at position `first`, and positions have no gaps. */
  | {
      kind: 'replicate';
      slot: number;
      leaderEpoch: number;
      number: number;
      first: number;
      operations: ReplicatedOperation[];
    }
  /**
   * To be written to disk. Each datum of `whole` replaces all that is held on disk of it; then come single entries. The
   * position is left out while more parts of the answer to `follow` are to come.
   */
  | {
      kind: 'write';
      slot: number;
      leaderEpoch: number;
      number: number;
      whole: { dataInfoId: DataInfoId; entries: DurableEntry[] }[];
      entries: DurableEntry[];
      position?: number;
    }
  /** What the leader's slot comes to at `position`. */
  | { kind: 'compare'; slot: number; leaderEpoch: number; number: number; position: number; hash: ContentHash }
  /** The operations that the receiver lacks are no longer kept: it is to ask anew. */
  | { kind: 'followAnew'; slot: number; leaderEpoch: number; number: number };
