import type { Failure, LogEffect, Random, WakeEffect, WakeEvent } from '#model';

/** A node of the group, by a name that never changes hands: a node with an empty disk joins under a new one. */
export type NodeId = string;

/**
 * Who takes part. With `outgoing` present the configuration is joint: elections and commits need a majority of both
 * `voters` (the incoming half) and `outgoing` (Ongaro's dissertation, 4.3).
 */
export interface Configuration {
  voters: NodeId[];
  outgoing?: NodeId[];
  learners: NodeId[];
  /**
   * Which life of the group this is: 0 where it is left out. A group that goes on from the log of a lost quorum, or from a
   * backup, begins a later one. Nodes of different eras do not listen to each other, since what one era has promised
   * another knows nothing of.
   */
  era?: number;
}

/** An entry of the replicated log. `payload` is opaque to the core; empty but for commands. */
export type Entry =
  | { kind: 'noop'; index: number; term: number }
  | { kind: 'command'; index: number; term: number; payload: Uint8Array }
  | { kind: 'configuration'; index: number; term: number; configuration: Configuration };

export interface SnapshotMeta {
  /** The last index and term it contains. */
  index: number;
  term: number;
  configuration: Configuration;
}

/** What the store held when the node started. */
export interface Restored {
  term: number;
  vote: NodeId | null;
  snapshot: SnapshotMeta | null;
  /** Contiguous, beginning right after the snapshot. */
  entries: Entry[];
}

/** Every message names the sender's term; a `preVote` the one it asks about, which is the next. */
export type RaftMessage = { term: number } & (
  | { kind: 'preVote' | 'vote'; lastIndex: number; lastTerm: number; transfer?: boolean }
  /** `term` of a preVoteAnswer that grants is the term asked about, which the candidate has not taken yet. */
  | { kind: 'preVoteAnswer' | 'voteAnswer'; granted: boolean }
  | {
      kind: 'append';
      previousIndex: number;
      previousTerm: number;
      entries: Entry[];
      commit: number;
      /** Counts up per leader and term; the answer repeats it. ReadIndex and CheckQuorum count answers by it. */
      round: number;
      /** The last round whose answer from the receiver has come back; left out for none. See `Freshness`. */
      answered?: number;
    }
  | {
      kind: 'appendAnswer';
      round: number;
      /** Where the log is known to match the leader's: everything to here is on disk. */
      matched: number;
      /** Present on a mismatch: where to look next, with the term held there (fast back-up). */
      conflict?: { index: number; term: number };
    }
  /** One chunk. Offsets count bytes; the receiver installs all or nothing, and then sends an `appendAnswer`. */
  | { kind: 'snapshot'; meta: SnapshotMeta; offset: number; bytes: Uint8Array; last: boolean; round: number }
  | { kind: 'snapshotAnswer'; index: number; nextOffset: number; round: number }
  | { kind: 'timeoutNow' }
);

export type MembershipChange =
  | { type: 'addLearner'; node: NodeId }
  /** Refused until the learner has caught up. */
  | { type: 'promote'; node: NodeId }
  /** Also the leader, which steps down once the change without it is committed. */
  | { type: 'remove'; node: NodeId };

/** `call` numbers are the host's; each ends in exactly one `settled`. */
export type RaftEvent =
  | { type: 'start' }
  | WakeEvent
  | { type: 'received'; from: NodeId; message: RaftMessage }
  /** The transport knows that messages to the peer are being lost. */
  | { type: 'unreachable'; peer: NodeId }
  /** The persist effect with this token, and all before it, are synced. */
  | { type: 'persisted'; token: number }
  /** The state machine has applied everything to here. */
  | { type: 'applied'; index: number }
  /** The host has a durable snapshot of the state at `meta`; the log before it may go. */
  | { type: 'compacted'; meta: SnapshotMeta }
  /** A chunk the core asked for by `readChunk`; of a newer snapshot, from offset 0, where the one asked for is gone. */
  | { type: 'chunk'; to: NodeId; meta: SnapshotMeta; offset: number; bytes: Uint8Array; last: boolean }
  | { type: 'propose'; call: number; payload: Uint8Array }
  | { type: 'read'; call: number }
  | { type: 'change'; call: number; change: MembershipChange }
  | { type: 'transfer'; call: number; to: NodeId };

export type RaftEffect =
  | WakeEffect
  | LogEffect
  /**
   * In one atomic synced write, in order of token: term and vote, truncation, entries. Several may be under way; the
   * host may join them. What must wait for it (votes, acknowledgements, the leader's own match) waits inside the core
   * for `persisted`.
   */
  | {
      type: 'persist';
      token: number;
      hardState?: { term: number; vote: NodeId | null };
      truncateFrom?: number;
      entries?: Entry[];
    }
  | { type: 'send'; to: NodeId; message: RaftMessage }
  /** Committed entries, in order, each once per run of the node. The host answers `applied`. */
  | { type: 'apply'; entries: Entry[] }
  /** Asks for bytes of the newest durable snapshot, to be answered by `chunk`. */
  | { type: 'readChunk'; to: NodeId; meta: SnapshotMeta; offset: number }
  /** Bytes of a snapshot being received; `last` installs it: the host saves it durably, restores the state machine, and answers `persisted`. */
  | { type: 'storeChunk'; token: number; meta: SnapshotMeta; offset: number; bytes: Uint8Array; last: boolean }
  /** `index`: of the entry for `propose` and `change`; for `read`, the state must have applied it before it is read. */
  | { type: 'settled'; call: number; outcome: { ok: true; index: number } | { ok: false; failure: Failure } }
  | { type: 'leadership'; term: number; leading: boolean; leader: NodeId | undefined };

export interface RaftOptions {
  id: NodeId;
  restored: Restored;
  /** The configuration of a group that is made now, for a node without any; empty for one that is to be added. */
  bootstrap?: Configuration;
  random: Random;
  limits?: Partial<RaftLimits>;
}

export interface RaftLimits {
  heartbeatMs: number;
  electionMinMs: number;
  electionMaxMs: number;
  /** A leader that has not heard from a majority for this long steps down. */
  checkQuorumMs: number;
  /** Bytes of entries in one append, at least one entry. */
  appendBytes: number;
  /** Appends in flight to one peer. */
  appendsInFlight: number;
  /** Proposals not yet committed. */
  pendingProposals: number;
  pendingProposalBytes: number;
  pendingReads: number;
  /** A transfer that has not succeeded by then is given up. */
  transferMs: number;
  /** A learner may be promoted when it lacks at most this many entries. */
  catchUpEntries: number;
  /** Entries before a snapshot that are kept in memory, for peers that lack only these. */
  retainedEntries: number;
}

export interface RaftStatus {
  id: NodeId;
  role: 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'learner';
  term: number;
  leader: NodeId | undefined;
  commit: number;
  applied: number;
  first: number;
  last: number;
  configuration: Configuration;
  /** On the leader: what it knows of each peer. */
  peers: { id: NodeId; state: 'probe' | 'replicate' | 'snapshot'; matched: number; active: boolean }[];
}
