import type { ConfigState } from '../config.js';
import type { Failure } from '../errors.js';
import type { VersionedSwitches } from '../switches.js';
import type { Member, RoutingTable } from '../table.js';

/** What data and session servers send to meta. */
export type ToMeta =
  /**
   * Answered by `joined` or `refused`. A new incarnation at a known address replaces the old one. `again` says that
   * this incarnation has been a member before: if it no longer is, it is refused NOT_MEMBER, however long ago that was.
   * `standsIn`: while meta was away it has led what the incarnation before it led, so that nobody knows these slots better.
   */
  | { kind: 'join'; member: Member; again?: boolean; standsIn?: boolean }
  | {
      kind: 'heartbeat';
      incarnation: string;
      /** Counts up per link; the acknowledgement repeats it. */
      sequence: number;
      /** The newest table epoch the sender has. */
      tableEpoch: number;
      /** Data servers: session incarnations that one of its slots has waited for longer than the report time. */
      unreconciled?: string[];
      /** Session servers: data incarnations of the table from which nothing has come for longer than the report time. */
      unreachable?: string[];
    }
  /**
   * A connection to the member was refused or broke. The leader looks after it at once: it dials the address the member
   * has registered, and only what it finds there counts.
   */
  | { kind: 'suspect'; incarnation: string }
  /** Data servers: how replicas of the slots they lead come along. Repeated until a table shows that it was heard. */
  | { kind: 'replicas'; incarnation: string; reports: ReplicaReport[] }
  /** Data servers, now and then: how much there is in some of the slots they lead, all of them in turn. */
  | { kind: 'sizes'; incarnation: string; sizes: SlotSize[] }
  /**
   * Session servers: configuration values that their clients watch from now on, each with the version known of it, if
   * any; and those that nobody watches any more. Answered by `config` where something newer is known, and from then on
   * with every change. All are named anew over every new link.
   */
  | { kind: 'watchConfig'; incarnation: string; watch: WatchedKey[]; unwatch: string[] }
  /** A planned stop. */
  | { kind: 'leave'; incarnation: string };

/**
 * Said by the leader of a slot at this leaderEpoch. `caughtUp`: the joining replica has everything, and is complete once
 * meta says so. `sealed`: no writes are taken, and the follower has everything: meta may make it the leader now.
 * `durable`: a first persistent publication waits for the slot to be marked so. `behind`: persistent writes wait for a
 * disk that cannot be reached; it is to count no longer.
 */
export interface ReplicaReport {
  type: 'caughtUp' | 'sealed' | 'durable' | 'behind';
  slot: number;
  leaderEpoch: number;
  /** Incarnation of the replica; of `behind` the disk. */
  server: string;
  /** Of the table by which the leader says so. What has changed in the slot since then makes it void. */
  tableEpoch?: number;
}

/** Of a slot, by whoever leads it at this leaderEpoch. */
export interface SlotSize {
  slot: number;
  leaderEpoch: number;
  publications: number;
  /** Of the bodies of all publications. */
  bytes: number;
  /** Datums that session servers want, each counted for each of them. */
  wanted: number;
}

/** Sizes in one message, at most. */
export const MAX_SLOT_SIZES = 1_000;

/** `version`: what is not newer is known already. */
export interface WatchedKey {
  key: string;
  version?: number;
}

/** Keys in one `watchConfig`, at most. */
export const MAX_WATCHED_AT_ONCE = 500;

/** What meta sends to data and session servers. */
export type FromMeta =
  | { kind: 'joined'; clusterId: string; incarnation: string; leaseMs: number; heartbeatMs: number }
  /**
   * NOT_MEMBER: the incarnation was expired or replaced and must join anew as another. NOT_LEADER: ask `leader`.
   */
  | { kind: 'refused'; failure: Failure; leader?: string }
  | {
      kind: 'heartbeatAck';
      sequence: number;
      /** The committed table epoch at the time of the answer: a linearizable read of "has anything changed". */
      tableEpoch: number;
      /** True once this leader has led for at least one full lease, so that absence from the table means something. */
      settled: boolean;
    }
  /** To the leader of a slot: the follower is to lead it. Answered by a `sealed` report; repeated while it is wanted. */
  | { kind: 'handOver'; slot: number; leaderEpoch: number; to: string }
  /** Sent on join and on every committed change, in order of epoch. */
  | { kind: 'table'; table: RoutingTable }
  /** Sent on join, before the table, so that nobody serves without them; and on every committed change, in order. */
  | ({ kind: 'switches'; forRequest?: string } & VersionedSwitches)
  /** Configuration values that were asked for by `watchConfig`, as they are committed. */
  | { kind: 'config'; values: ConfigState[] };
