import type { DepartedMember, Failure, Member, Protection, PublisherView, Switches } from '#model';

// What is read of the answers of servers. They say more, which `--json` shows.

export interface Drain {
  address: string;
  incarnation: string | null;
  draining: boolean;
  left: { leads: number; follows: number; joins: number };
  safeToStop: boolean;
}

export interface Members {
  clusterId: string;
  epoch: number;
  featureLevel: number;
  members: Member[];
  departed: DepartedMember[];
  protections: Protection[];
  drains: Drain[];
}

export interface Replica {
  incarnation: string;
  address: string | null;
}

export interface Slot {
  slot: number;
  leader: Replica | null;
  leaderEpoch: number;
  followers: Replica[];
  joining: Replica[];
  durable?: boolean;
  disks?: string[];
}

export interface Slots {
  clusterId: string;
  epoch: number;
  /** How many every slot is to have, its leader included. Older servers do not tell. */
  replicas?: number;
  slots: Slot[];
}

export interface RaftStatus {
  id: string;
  role: 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'learner';
  term: number;
  leader: string | null;
  commit: number;
  applied: number;
  first: number;
  last: number;
  configuration: { voters: string[]; outgoing?: string[]; learners: string[] };
  peers: { id: string; state: string; matched: number; active: boolean }[];
  failure?: Failure;
}

export interface Protections {
  protections: (Protection & { present: number })[];
}

export interface Rebalance {
  version: number;
  status: 'paused' | 'running';
  frozen: boolean;
  underWay: { joining: number };
  next: { steps: number; explained: { explanation: string }[] };
  offBalance: { leads: number; replicas: number };
  servers: ServerLoad[];
}

export interface ServerLoad {
  address: string;
  incarnation: string;
  draining: boolean;
  leads: { count: number; fewest: number; most: number };
  replicas: { count: number; fewest: number; most: number };
}

export interface Datum {
  dataInfoId: string;
  version: string;
  publishers: PublisherView[];
  partial?: boolean;
}

export interface VersionedSwitches {
  version: number;
  switches: Switches;
}

export interface Changed {
  changed: boolean;
  version: number;
}

export interface RebalancePlan {
  rounds: number;
  cost: { publicationsCopied: number; bytesCopied: number; datumsSent: number; slotsUnknown: number };
  steps: {
    count: number;
    listed: { type: string; slot: number; server?: string; leader?: string; from?: string; to?: string }[];
  };
  before: Pick<Rebalance, 'offBalance' | 'servers'>;
  after: Pick<Rebalance, 'offBalance' | 'servers'>;
}

/** Of a session server. */
export interface SessionDrain {
  draining: boolean;
  clients: number;
  untold: number;
  elsewhere: number;
  safeToStop: boolean;
}
