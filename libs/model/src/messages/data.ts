import type { Failure } from '../errors.js';
import type { DataInfoId } from '../names.js';
import type { Publication, Removal, RemovalCause } from '../publication.js';
import type { Stamp } from '../stamp.js';
import type { RoutingTable } from '../table.js';
import type { DatumVersion } from '../version.js';
import type { RelayToSession, SessionToRelay } from './relay.js';
import type { KeysFromData, KeysToData } from './etcd.js';
import type { ContentHash } from './replication.js';

/** A change that a session server forwards. A null stamp asks the slot leader to stamp it (curl, REST). */
export type Operation =
  | { op: 'publish'; publication: Omit<Publication, 'stamp'> & { stamp: Stamp | null } }
  | { op: 'unpublish'; registerId: string; dataInfoId: DataInfoId; stamp: Stamp | null; cause: RemovalCause };

/** `stale` carries the stamp held, which the client must exceed. */
export type OperationResult =
  { status: 'stored'; stamp: Stamp; version: DatumVersion } | { status: 'stale'; held: Stamp };

/** A publication whose way is to be told to people. Times are by the clock that the message tells times by. */
export interface Traced {
  traceId: string;
  registerId: string;
  acceptedAtMs?: number;
  appliedAtMs?: number;
  /** It had changed again before anybody was told. */
  superseded?: boolean;
}

/** What has become of it at the leader, by the clock of that, and how many session servers were told. */
export interface TraceApplied {
  traceId: string;
  appliedAtMs: number;
  told: number;
}

/** One line of a digest: what the sender holds live for the slot. */
export interface DigestEntry {
  registerId: string;
  dataInfoId: DataInfoId;
  stamp: Stamp;
  leased: boolean;
}

/**
 * What a session server sends to a data server. Everything about a slot names the leaderEpoch the sender believes in; a
 * receiver that does not lead the slot at exactly that epoch answers `moved` and does nothing else.
 *
 * `acceptedAtMs` is when the oldest of the operations that nobody has answered yet was accepted, by the clock of the
 * receiver. It is left out towards a receiver that has not told what its clock shows (see `pong`).
 */
export type SessionToData =
  /** Applied in order. Answered by `applied` with the same sequence (counts up per link). */
  | {
      kind: 'operations';
      slot: number;
      leaderEpoch: number;
      tableEpoch: number;
      sequence: number;
      operations: Operation[];
      acceptedAtMs?: number;
      traces?: Traced[];
    }
  /**
   * The whole truth about what this session incarnation holds for the slot, live entries and remembered removals.
   * `number` counts up per slot and leaderEpoch. Answered by `want`.
   */
  | {
      kind: 'digest';
      slot: number;
      leaderEpoch: number;
      tableEpoch: number;
      number: number;
      entries: DigestEntry[];
      removals: { registerId: string; dataInfoId: DataInfoId; stamp: Stamp; cause: RemovalCause }[];
    }
  /** What the leader wanted after digest `number`. The member is reconciled once this is applied. */
  | {
      kind: 'reconcile';
      slot: number;
      leaderEpoch: number;
      number: number;
      operations: Operation[];
      acceptedAtMs?: number;
      traces?: Traced[];
    }
  /**
   * The hash of what the sender holds live for the slot, everything sent before included. Answered by `compared`; where the
   * two differ, a digest tells in what.
   */
  | { kind: 'summary'; slot: number; leaderEpoch: number; number: number; hash: ContentHash }
  /**
   * Asks for the datum now, complete or not, and for every change from then on. Repeating it asks for a fresh datum. With
   * the hash of what the sender holds, `same` may be the answer, as it may be later on, when the datum becomes complete.
   */
  | { kind: 'interest'; slot: number; leaderEpoch: number; dataInfoId: DataInfoId; hash?: ContentHash }
  | { kind: 'disinterest'; slot: number; leaderEpoch: number; dataInfoId: DataInfoId }
  /** Asks for the datum once, without interest. */
  | { kind: 'fetch'; slot: number; leaderEpoch: number; dataInfoId: DataInfoId; requestId: number }
  /** Answered by `renewed`. */
  | {
      kind: 'renew';
      slot: number;
      leaderEpoch: number;
      requestId: number;
      registerId: string;
      dataInfoId: DataInfoId;
      /** True when the sender does not hold the publication and wants it, so as to replay it to a next leader. */
      adopt: boolean;
    }
  /** A temporary publication: to be told to all who are interested, once, and not kept. Answered by `announced`. */
  | { kind: 'announce'; slot: number; leaderEpoch: number; requestId: number; publication: Publication }
  /**
   * Publishes or removes a persistent publication; the leader stamps it. Answered by `persisted` once every complete
   * replica has it on disk, which may take longer than anybody waits.
   */
  | {
      kind: 'persist';
      slot: number;
      leaderEpoch: number;
      requestId: number;
      operation: Operation;
      acceptedAtMs?: number;
      traces?: Traced[];
    }
  | KeysToData
  | SessionToRelay
  /** Asks for the table, because the peer has shown a newer epoch. */
  | { kind: 'tableRequest' }
  | { kind: 'table'; table: RoutingTable }
  | { kind: 'ping'; sequence: number };

export type RenewResult =
  { status: 'renewed'; expiresInMs: number; publication?: Publication } | { status: 'failed'; failure: Failure };

export type PersistResult = { status: 'stored'; version: DatumVersion } | { status: 'failed'; failure: Failure };

export type DataToSession =
  | KeysFromData
  | {
      kind: 'applied';
      slot: number;
      leaderEpoch: number;
      sequence: number;
      results: OperationResult[];
      traced?: TraceApplied[];
    }
  /** The registerIds of digest `number` that the leader lacks or has older; and those whose stamp it refuses. */
  | {
      kind: 'want';
      slot: number;
      leaderEpoch: number;
      number: number;
      registerIds: string[];
      stale: { registerId: string; held: Stamp }[];
    }
  /** `reconcile` number was applied; the member is out of the wait set. */
  | {
      kind: 'reconciled';
      slot: number;
      leaderEpoch: number;
      number: number;
      stale: { registerId: string; held: Stamp }[];
    }
  /** Whether the leader comes to the same for the sender of `summary` number. */
  | { kind: 'compared'; slot: number; leaderEpoch: number; number: number; agrees: boolean }
  /** All publications of a datum. `complete: false` means that absence proves nothing yet. */
  | {
      kind: 'datum';
      slot: number;
      leaderEpoch: number;
      dataInfoId: DataInfoId;
      version: DatumVersion;
      complete: boolean;
      publications: Publication[];
      /** Present when it answers a `fetch`. */
      requestId?: number;
    }
  /**
   * In place of `datum`: its publications are those that hash to this, with stamps, owners and times of registration. The
   * receiver most likely holds just these, as of an earlier leader; if it does not, it asks again.
   */
  | {
      kind: 'same';
      slot: number;
      leaderEpoch: number;
      dataInfoId: DataInfoId;
      version: DatumVersion;
      complete: boolean;
      hash: ContentHash;
    }
  /**
   * What changed between two versions of a datum the peer is interested in. Applies only to its exact base. `to` equal
   * to `from`: nothing visible changed, only stamps and owners, which a later merge needs to know.
   */
  | {
      kind: 'change';
      slot: number;
      leaderEpoch: number;
      dataInfoId: DataInfoId;
      from: DatumVersion;
      to: DatumVersion;
      complete: boolean;
      upserts: Publication[];
      removals: Removal[];
      /** By the clock of the sender: when the oldest of it was accepted by a session server, and was applied. */
      times?: [acceptedAtMs: number, appliedAtMs: number];
      traces?: Traced[];
    }
  | { kind: 'renewed'; slot: number; requestId: number; result: RenewResult }
  | { kind: 'persisted'; slot: number; requestId: number; result: PersistResult }
  /** Everybody interested has been sent the temporary publication. */
  | { kind: 'announced'; slot: number; requestId: number }
  /** A temporary publication of a datum the peer is interested in; no part of it, and under no version. */
  | { kind: 'temporary'; slot: number; leaderEpoch: number; publication: Publication }
  /** Leased publications whose session server is gone: the receiver keeps a copy and replays it to a next leader. */
  | { kind: 'adopt'; slot: number; leaderEpoch: number; publications: Publication[] }
  /**
   * To every session server, since any may hold the leased publication (it published, adopted or reconciled it): its
   * lease has ended or it was unpublished, at this stamp.
   */
  | { kind: 'leaseEnded'; slot: number; leaderEpoch: number; ended: { registerId: string; stamp: Stamp }[] }
  /**
   * The receiver does not lead the slot at the leaderEpoch named. The sender of the refused message waits for a table
   * newer than what it has (asking this peer when `tableEpoch` is newer) and starts anew with a digest; where the
   * receiver is the one that is behind, the sender tries again after a pause.
   */
  | { kind: 'moved'; slot: number; leaderEpoch: number; tableEpoch: number; requestId?: number }
  | RelayToSession
  | { kind: 'table'; table: RoutingTable }
  /** The same question the other way round. */
  | { kind: 'tableRequest' }
  /**
   * Out of touch with meta since its start, the sender leads what the table gives to `incarnation`, which ran at the same
   * address with the same folder before it. Told to every session server, also to those that link later.
   */
  | { kind: 'standIn'; incarnation: string }
  /** `clockMs` is what the sender's clock shows, which runs as fast as others and has nothing else in common with them. */
  | { kind: 'pong'; sequence: number; tableEpoch: number; clockMs?: number };
