export type ServerRole = 'meta' | 'data' | 'session';

/** A data or session server as the cluster knows it. */
export interface Member {
  role: 'data' | 'session';
  /** A random id the process picks at start. A restarted process is a different one. */
  incarnation: string;
  /** `host:port` of its RPC listener, as others reach it. */
  address: string;
  /** `host:port` of its HTTP listener. */
  httpAddress: string;
  zone: string;
  /** Relative capacity; 1 by default. */
  weight: number;
  /** The highest feature level it supports; the first when left out. */
  featureLevel?: number;
  /**
   * Of a data server: a random id in its folder, made with the folder. A server that comes back with its data is another
   * incarnation with the same disk; one with an empty folder has another disk.
   */
  diskId?: string;
}

/** A member that is gone. Kept for a minute, since a new slot leader must wait for sessions that just left. */
export interface DepartedMember {
  role: 'data' | 'session';
  incarnation: string;
  /**
   * `left`: by itself. `expired`: its lease ended. `refused`: nobody listens at its address any more. `replaced`: another
   * incarnation is at its address.
   */
  cause: 'left' | 'expired' | 'refused' | 'replaced';
  /** Of one that was lost, neither having left nor given way to another that joined: how many its role had with it. */
  outOf?: number;
}

/**
 * More servers of a role were lost than fail by themselves, so that more likely something else has failed, such as the
 * network to them. Until as many are back, or an operator confirms that they are lost, nothing is removed because its
 * owner is gone, and nothing is replicated anew. Slots without a leader are given one as ever.
 */
export interface Protection {
  role: 'data' | 'session';
  /** The epoch of the table with which it began: what ends this one ends no later one. */
  sinceEpoch: number;
  /** It ends with so many members of the role. */
  expected: number;
}

export interface SlotAssignment {
  /** Incarnation of the data server that leads, or null while nobody does. */
  leader: string | null;
  /** Rises whenever the leader changes; 0 until the first. */
  leaderEpoch: number;
  /**
   * True where the leader began from nothing at this leaderEpoch, since no complete replica was left: what it or anybody
   * had held of the slot before counts for nothing.
   */
  begun?: boolean;
  /** Incarnations of the complete followers. */
  followers: string[];
  /** Incarnations that are catching up. */
  joining: string[];
  /**
   * True once the slot has held a persistent publication. Where none of its complete replicas lives it waits for one of
   * them, or for an operator who confirms the loss by clearing this; no other server may lead it from empty.
   */
  durable?: boolean;
  /**
   * Of a durable slot: the disks that hold every persistent publication that was acknowledged. A write is acknowledged
   * when all of them have it, and who leads the slot has one of them.
   */
  disks?: string[];
}

/** What meta streams to everyone: who is there, and who owns what. `epoch` rises with every change of any field. */
export interface RoutingTable {
  clusterId: string;
  epoch: number;
  /** Index is the slot. The length is a power of two, fixed at bootstrap. */
  slots: SlotAssignment[];
  members: Member[];
  departed: DepartedMember[];
  /** At most one for each role. Left out while there has been none yet. */
  protections?: Protection[];
  /**
   * RPC addresses of data servers that operators drain: whoever is a member there is to hold nothing, after a restart
   * too. Left out while there has been none yet.
   */
  draining?: string[];
}

/** Whether nothing is to be concluded from the absence of servers just now. */
export function isProtected({ protections = [] }: Pick<RoutingTable, 'protections'>): boolean {
  return protections.length > 0;
}
