import type { SlotAssignment } from '#model';

/** A change of one slot, to be made only while the slot is still at `expectedLeaderEpoch`. */
export type PlanStep = PromoteStep | BeginStep | JoinStep | MoveStep | DropStep;

interface Step {
  slot: number;
  expectedLeaderEpoch: number;
}

/** A complete follower takes over, without the leader: it is gone, or cannot be reached. */
export interface PromoteStep extends Step {
  type: 'promote';
  leader: string;
  reason: 'leader-gone' | 'leader-unfit';
}

/** A server leads from empty, since no complete replica lives that could; sessions fill it. Never for a durable slot. */
export interface BeginStep extends Step {
  type: 'begin';
  leader: string;
  reason: 'unassigned' | 'leader-gone' | 'leader-unfit';
}

/** A new replica begins to catch up. It becomes complete by a proposal of the slot's leader. */
export interface JoinStep extends Step {
  type: 'join';
  server: string;
  reason: 'replicas' | 'draining' | 'zones' | 'balance';
}

/** The leader seals the slot and hands it to a complete follower; it stays as a follower. */
export interface MoveStep extends Step {
  type: 'move';
  from: string;
  to: string;
  reason: 'draining' | 'balance';
}

/** A follower or joining replica leaves the slot. */
export interface DropStep extends Step {
  type: 'drop';
  server: string;
  reason: 'gone' | 'draining' | 'surplus';
}

/**
 * The slot as the step leaves it, or undefined where the slot is not as the step expects, so that nothing may change.
 * `isLive` tells which incarnations are members.
 */
export function applyStep(
  slot: SlotAssignment,
  step: PlanStep,
  isLive: (incarnation: string) => boolean,
): SlotAssignment | undefined {
  if (slot.leaderEpoch !== step.expectedLeaderEpoch) return undefined;
  const { leader, followers, joining } = slot;
  switch (step.type) {
    case 'promote':
      if (!followers.includes(step.leader) || !isLive(step.leader)) return undefined;
      return {
        ...slot,
        ...ledBy(slot, step.leader),
        followers: without(followers, step.leader),
        // A leader that lives may hold operations that the new one has not, so it has to catch up like any other.
        joining: leader !== null && isLive(leader) ? [...joining, leader] : joining,
      };
    case 'begin':
      if (slot.durable || !isLive(step.leader)) return undefined;
      return {
        ...slot,
        ...ledBy(slot, step.leader),
        begun: true,
        followers: [],
        joining: without(joining, step.leader),
      };
    case 'move':
      if (leader !== step.from || !followers.includes(step.to) || !isLive(step.to)) return undefined;
      return { ...slot, ...ledBy(slot, step.to), followers: [...without(followers, step.to), step.from] };
    case 'join':
      if (leader === step.server || followers.includes(step.server) || joining.includes(step.server)) return undefined;
      return isLive(step.server) ? { ...slot, joining: [...joining, step.server] } : undefined;
    case 'drop':
      if (!followers.includes(step.server) && !joining.includes(step.server)) return undefined;
      return { ...slot, followers: without(followers, step.server), joining: without(joining, step.server) };
  }
}

function ledBy(
  { leaderEpoch }: SlotAssignment,
  leader: string,
): Pick<SlotAssignment, 'leader' | 'leaderEpoch' | 'begun'> {
  return { leader, leaderEpoch: leaderEpoch + 1, begun: false };
}

function without(incarnations: string[], incarnation: string): string[] {
  return incarnations.filter((other) => other !== incarnation);
}
