import type { Member, RoutingTable, SlotAssignment } from '#model';
import type { PlannerLimits } from './limits.js';
import { type PlanStep, applyStep } from './steps.js';

/** Everything a plan depends on. */
export interface PlanInput {
  table: Pick<RoutingTable, 'slots' | 'members'>;
  /** Replicas of each slot, the leader included. */
  replicas: number;
  /** Incarnations that are to stop: everything moves off them. */
  draining?: ReadonlySet<string>;
  /** Incarnations that are to lead nothing just now, and to take no new replica while others can. */
  unfit?: ReadonlySet<string>;
  /** By how many operations a replica lags its leader, as far as anybody knows. */
  lag?: (slot: number, incarnation: string) => number | undefined;
  /** Only give slots without a leader one; no replica is made, moved or dropped. */
  frozen?: boolean;
  /** False while nothing is to start moving for balance alone. */
  mayBalance?: boolean;
  limits?: Partial<PlannerLimits>;
}

/** A slot as the planner sees it: servers are indices into {@link Cluster.servers}, and only live ones are named. */
export interface Slot {
  readonly leaderEpoch: number;
  readonly durable: boolean;
  /** Whether the table names no leader; `leader` is -1 also where it names one that is gone. */
  readonly unassigned: boolean;
  readonly leader: number;
  readonly followers: readonly number[];
  readonly joining: readonly number[];
  /** Incarnations of followers and joining replicas that are gone. */
  readonly gone: readonly string[];
}

/** Shared, since most slots of a large table have none. */
const NO_SERVERS: readonly number[] = [];
const NO_INCARNATIONS: readonly string[] = [];

/** A table read for planning: live data servers by number, in ascending order of incarnation. */
export class Cluster {
  readonly servers: readonly Member[];
  readonly slots: Slot[];
  /** Relative capacity; 1 for all where no server that may hold replicas has a usable weight. */
  readonly weight: readonly number[];
  /** Zones by number. */
  readonly zone: readonly number[];
  readonly draining: readonly boolean[];
  /**
   * Who may hold replicas in the long run: servers that are not draining and have a weight. A weight comes from another
   * machine: what is no positive number holds nothing while any other server can.
   */
  readonly placeable: readonly boolean[];
  /** Who may lead, and take new replicas, just now. Where that would leave no server to lead, it counts for nobody. */
  readonly fit: readonly boolean[];
  /** Replicas that a slot can have: no more than there are servers to hold them. */
  readonly replicas: number;
  private readonly indices: ReadonlyMap<string, number>;
  private readonly assignments: SlotAssignment[];

  constructor({ table, replicas, draining, unfit }: PlanInput) {
    this.servers = table.members
      .filter(({ role }) => role === 'data')
      .toSorted((a, b) => (a.incarnation < b.incarnation ? -1 : 1));
    this.indices = new Map(this.servers.map(({ incarnation }, index) => [incarnation, index]));
    this.draining = this.servers.map(({ incarnation }) => draining?.has(incarnation) ?? false);
    const usable = this.servers.map(({ weight }) => (Number.isFinite(weight) && weight > 0 ? weight : 0));
    const isWeighted = usable.some((weight, index) => weight > 0 && !this.draining[index]);
    this.weight = isWeighted ? usable : usable.map(() => 1);
    this.placeable = this.weight.map((weight, index) => weight > 0 && !this.draining[index]);
    const fit = this.servers.map(({ incarnation }) => !unfit?.has(incarnation));
    const isPossible = fit.some((isFit, index) => isFit && (this.placeable[index] || !this.placeable.includes(true)));
    this.fit = isPossible ? fit : fit.map(() => true);
    const zones = [...new Set(this.servers.map(({ zone }) => zone))];
    this.zone = this.servers.map(({ zone }) => zones.indexOf(zone));
    this.replicas = Math.min(Math.max(1, replicas), this.placeable.filter(Boolean).length);
    this.assignments = [...table.slots];
    this.slots = table.slots.map((slot) => this.read(slot));
  }

  indexOf(incarnation: string): number {
    return this.indices.get(incarnation) ?? -1;
  }

  /** Sees the table as it will be after the step. */
  apply(step: PlanStep): void {
    const changed = applyStep(this.assignments[step.slot]!, step, (incarnation) => this.indices.has(incarnation));
    if (changed) this.set(step.slot, changed);
  }

  /** Sees the slot as it will be once all that are catching up with a live leader are complete. */
  complete(slot: number): void {
    const { leader, joining } = this.slots[slot]!;
    if (leader < 0 || joining.length === 0) return;
    const assignment = this.assignments[slot]!;
    const isLive = (incarnation: string): boolean => this.indexOf(incarnation) >= 0;
    this.set(slot, {
      ...assignment,
      followers: [...assignment.followers, ...assignment.joining.filter(isLive)],
      joining: assignment.joining.filter((incarnation) => !isLive(incarnation)),
    });
  }

  private set(slot: number, assignment: SlotAssignment): void {
    this.assignments[slot] = assignment;
    this.slots[slot] = this.read(assignment);
  }

  private read({ leader, leaderEpoch, followers, joining, durable = false }: SlotAssignment): Slot {
    const followed = followers.length > 0 ? followers.map((incarnation) => this.indexOf(incarnation)) : NO_SERVERS;
    const joined = joining.length > 0 ? joining.map((incarnation) => this.indexOf(incarnation)) : NO_SERVERS;
    const isAnyGone = followed.includes(-1) || joined.includes(-1);
    const isLive = (server: number): boolean => server >= 0;
    return {
      leaderEpoch,
      durable,
      unassigned: leader === null,
      leader: leader === null ? -1 : this.indexOf(leader),
      followers: isAnyGone ? followed.filter(isLive) : followed,
      joining: isAnyGone ? joined.filter(isLive) : joined,
      gone: isAnyGone
        ? [...followers, ...joining].filter((incarnation) => this.indexOf(incarnation) < 0)
        : NO_INCARNATIONS,
    };
  }
}
