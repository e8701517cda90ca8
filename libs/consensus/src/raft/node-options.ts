import type { Env, LogEffect, RegistryError } from '#model';
import type { Codec, LogStore, StateMachine } from '../contract.js';
import type { Configuration, NodeId, RaftLimits, RaftStatus } from './contract.js';
import type { Transport } from './transport.js';

export interface RaftNodeOptions<Command, State, Result> {
  id: NodeId;
  /** The members of a group that is made now. Without it, a node with an empty disk waits to be added to a group. */
  bootstrap?: Configuration;
  store: LogStore;
  transport: Transport;
  env: Pick<Env, 'nowMs' | 'random' | 'at'>;
  machine: StateMachine<Command, State, Result>;
  codec: Codec;
  limits?: Partial<RaftNodeLimits>;
  log?: (line: LogEffect) => void;
  /** Called once, when the node has stopped for good by itself; the process should say why, and end. */
  onFailure?: (failure: RegistryError) => void;
}

/** What the host bounds; the rest is the core's. */
export interface HostLimits {
  /** Entries joined into one write end with the one that exceeds this. */
  writeBytes: number;
  /** A snapshot is taken, and the log before it dropped, after this many entries. */
  snapshotEveryEntries: number;
  /** Of a snapshot in one message. */
  chunkBytes: number;
  /** Of a snapshot received; a node offered a larger one stops. */
  snapshotBytes: number;
  /** Changes kept for watchers that are behind. */
  watchBacklog: number;
  /** Clients whose last result is remembered: the same on every node, and never lowered on an existing log. */
  clients: number;
}

export type RaftNodeLimits = RaftLimits & HostLimits;

export const HOST_DEFAULTS: HostLimits = {
  writeBytes: 4 * 1024 * 1024,
  snapshotEveryEntries: 10_000,
  chunkBytes: 256 * 1024,
  snapshotBytes: 256 * 1024 * 1024,
  watchBacklog: 1_000,
  clients: 1_000,
};

export interface RaftNodeStatus extends RaftStatus {
  /** Of the newest durable snapshot. */
  snapshotIndex: number;
  /** How old the state here is at most, which a read may ask for; Infinity while that is not known. */
  stateAgeMs: number;
  /** Why the node has stopped for good. */
  failure?: RegistryError;
}

/** `leader` is the node believed to lead, for those who look for it. */
export interface Leadership {
  term: number;
  leading: boolean;
  leader?: NodeId | undefined;
}
