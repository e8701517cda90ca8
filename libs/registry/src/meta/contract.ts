import type {
  DepartedMember,
  Failure,
  FromMeta,
  LinkEffect,
  LinkEvent,
  LogEffect,
  Member,
  Random,
  RoutingTable,
  Switches,
  ToMeta,
  VersionedSwitches,
  WakeEffect,
  WakeEvent,
} from '#model';
import type { PlanStep } from '#sharding';

/**
 * Commands of the replicated state machine: small, typed, conditional on what they replace (invariant 7). `forRequest` names
 * the request of an operator behind it, for logs; the state machine makes nothing of it.
 */
export type MetaCommand = { forRequest?: string } &
  /** Chooses the clusterId and the slot count, once; later ones change nothing. */
  (
    | { type: 'bootstrap'; clusterId: string; slotCount: number }
    /** Adds the member; one at the same address and role with another incarnation departs as `replaced`. */
    | { type: 'join'; member: Member; standsIn?: boolean }
    /** Removes (role, incarnation); a no-op if there is no such member. */
    | { type: 'remove'; incarnation: string; cause: DepartedMember['cause'] }
    /** Ends what protection there was at this epoch, of one role or of both, though the servers lost are not back. */
    | { type: 'confirmLoss'; epoch: number; role?: Member['role'] }
    /** Each step takes effect only while the slot is still at its `expectedLeaderEpoch`, and as the step expects it. */
    | { type: 'place'; steps: SlotStep[] }
    /** Of a durable slot that waits for one of its disks: none comes back, and what was persistent in it is lost. */
    | { type: 'abandonSlot'; slot: number; leaderEpoch: number }
    /** Drops departed members whose minute is over. */
    | { type: 'forget'; incarnations: string[] }
    /** Switches that are left out stay as they are. */
    | { type: 'setSwitches'; changes: Partial<Switches>; expectedVersion?: number }
    /** `expectedVersion` is that of the value; 0 says that there is none. */
    | { type: 'setConfig'; key: string; value: string; expectedVersion?: number }
    | { type: 'deleteConfig'; key: string; expectedVersion?: number }
    /** Refused unless so many other data servers, themselves not draining, are there to take over. */
    | { type: 'drain'; server: string; leaving: number }
    | { type: 'undrain'; server: string }
    | { type: 'setRebalance'; paused: boolean; expectedVersion?: number }
    /** Takes effect only from the level before it, and when every member supports it. */
    | { type: 'raiseFeatureLevel'; level: number }
    /** Ends the gathering with which a recovered or restored group begins. */
    | { type: 'gathered' }
  );

/** What the planner wants of one slot, or what the slot's leader has brought about. */
export type SlotStep =
  | PlanStep
  /** The joining replica has caught up, as the leader says; it is complete from now on. */
  | { type: 'complete'; slot: number; expectedLeaderEpoch: number; leader: string; server: string }
  /** Persistent publications are to be kept in the slot; from now on the disks of its complete replicas count. */
  | { type: 'durable'; slot: number; expectedLeaderEpoch: number; leader: string }
  /** The leader cannot reach who has this disk: what it acknowledges from now on may be missing there. */
  | { type: 'behind'; slot: number; expectedLeaderEpoch: number; leader: string; disk: string }
  /** Of a durable slot no complete replica lives, and the server has one of its disks: it leads with what is on it. */
  | { type: 'resume'; slot: number; expectedLeaderEpoch: number; leader: string };

export type CommandOf<Type extends MetaCommand['type']> = Extract<MetaCommand, { type: Type }>;

export interface MetaResult {
  changed: boolean;
  /** Of the table. */
  epoch: number;
  /** Of what the command was about, where that is a switch or a configuration value. */
  version?: number;
  /** Why nothing was changed, where the command asked for what cannot be. */
  failure?: Failure;
}

/** A value that operators give to all clients of a key. Its version rises with every change of it, and never repeats. */
export interface ConfigValue {
  key: string;
  value: string;
  version: number;
}

/** What the state machine holds. `table.clusterId` is empty before bootstrap. */
export interface MetaState {
  table: RoutingTable;
  switches: VersionedSwitches;
  /** `version` is that of the last change of any value, `bytes` what they have together; in the order of their keys. */
  config: { version: number; bytes: number; values: ConfigValue[] };
  /** While paused, nothing is moved for balance alone. */
  rebalance: { version: number; paused: boolean };
  /** What the cluster may use; never more than every member and every meta server supports. */
  featureLevel: number;
  /**
   * The group goes on from a state that may be older than what members know. Until those that live have had time to
   * join, nobody is shown the table, and nobody is missed.
   */
  gathering?: true;
}

export type MetaEvent =
  | { type: 'start' }
  | { type: 'stop' }
  | WakeEvent
  | LinkEvent<ToMeta>
  /** `leader` is the RPC address of whoever leads, where known and not this node. */
  | { type: 'leadership'; term: number; leading: boolean; leader?: string }
  /** The state after a committed command, in log order. On start the host gives the recovered state this way. */
  | { type: 'committed'; index: number; state: MetaState; forRequest?: string }
  /** The outcome of a `propose` effect. */
  | { type: 'proposed'; sequence: number; outcome: { ok: true; result: MetaResult } | { ok: false; message: string } }
  /** The answer to `askFeatureLevel`: what every meta server supports; undefined where not all of them are known. */
  | { type: 'featureLevel'; level: number | undefined }
  /**
   * Answers a `confirm`: the epoch of the table by a linearizable read that began after it was asked for, or undefined
   * where there could be none.
   */
  | { type: 'confirmed'; number: number; tableEpoch: number | undefined };

export type MetaEffect =
  | WakeEffect
  | LogEffect
  | LinkEffect<FromMeta>
  | { type: 'propose'; sequence: number; command: MetaCommand }
  | { type: 'askFeatureLevel' }
  /** Asks whether this node leads still, and what is committed. */
  | { type: 'confirm'; number: number };

export interface MetaOptions {
  random: Random;
  /** For bootstrap only. */
  slotCount: number;
  /** How many data servers are to hold each slot, its leader included; 1 by default. */
  replicas?: number;
  /** The highest that this version supports; `FEATURE_LEVEL` by default. */
  featureLevel?: number;
  /** Of the code. Left out, members of any version are taken. */
  version?: string;
  limits?: Partial<MetaLimits>;
}

export interface MetaLimits {
  heartbeatMs: number;
  leaseMs: number;
  /** How long departed members stay in the table. */
  departedMs: number;
  /** How long a group that was recovered or restored gathers the members that live. */
  gatherMs: number;
}

/** What `MetaCore.inspect` shows to people. */
export interface MetaInspection {
  term: number;
  leading: boolean;
  leader: string | undefined;
  /** True once a leader has seen everything that earlier leaders committed; until then it serves nobody. */
  ready: boolean;
  /** True while a leader gives the members that live time to join; it becomes ready after that. */
  gathering: boolean;
  /** True once a leader has been ready for a full lease. */
  settled: boolean;
  /** May be old on a node that does not lead. */
  table: RoutingTable;
  /** Empty on a node that does not lead. */
  leases: { incarnation: string; leftMs: number }[];
  /** Proposals without an outcome yet. */
  proposals: number;
}
