import type { Cluster, Slot } from './cluster.js';
import type { PlannerLimits } from './limits.js';
import type { DropStep, JoinStep, MoveStep, PlanStep } from './steps.js';
import type { Target } from './target.js';

/**
 * Followers and joining replicas that are gone leave at once. Not where the leader is gone too, since of them somebody
 * may return: a slot that waits has to know who was complete.
 */
export function dropGone({ slots }: Cluster, of: Iterable<number>): DropStep[] {
  const steps: DropStep[] = [];
  for (const slot of of) {
    const { leader, leaderEpoch, gone } = slots[slot]!;
    if (leader < 0) continue;
    for (const server of gone)
      steps.push({ slot, expectedLeaderEpoch: leaderEpoch, type: 'drop', server, reason: 'gone' });
  }
  return steps;
}

/**
 * The next steps of some slots towards the target, within the limits. What is under way counts: joining replicas stand
 * in the table, and moves are planned again, in the same order, until they are made. No slot waits for another. A
 * replica goes only when all that are to stay are complete.
 */
export function progress(cluster: Cluster, target: Target, limits: PlannerLimits, slots: Iterable<number>): PlanStep[] {
  const steps = new Steps(cluster, target);
  for (const slot of slots) steps.consider(slot);
  return [
    ...steps.drops,
    ...steps.joinsWithin(limits),
    // Last, since the others expect the leaderEpoch that a move of the same slot ends.
    ...steps.movesWithin(limits),
  ];
}

/** A slot that has lost a replica comes before one that may lose one before one that merely stands badly. */
const ORDER = ['replicas', 'draining', 'zones', 'balance'] as const;
/** Complete followers that make a difference to the order in which slots are joined. */
const MOST_FOLLOWERS = 9;

class Steps {
  readonly drops: DropStep[] = [];
  private readonly joins = new Ranked();
  private readonly moves = new Ranked();

  constructor(
    private readonly cluster: Cluster,
    private readonly target: Target,
  ) {}

  consider(slot: number): void {
    const state = this.cluster.slots[slot]!;
    const { leader, followers, joining } = state;
    // Without a leader nobody can catch up.
    if (leader < 0) return;
    const wanted = this.target.replicas[slot]!;
    for (const server of wanted) if (!holds(state, server)) this.joins.add(this.joinRank(slot), slot, server);
    const next = this.target.leader[slot]!;
    if (next !== leader && this.cluster.fit[next] && followers.includes(next))
      this.moves.add(this.moveRank(slot), slot, next);
    for (const server of joining) if (!wanted.includes(server)) this.drop(slot, server);
    for (const server of followers) if (!wanted.includes(server) && isComplete(state, wanted)) this.drop(slot, server);
  }

  joinsWithin(limits: PlannerLimits): JoinStep[] {
    const { slots, servers } = this.cluster;
    const taking = servers.map(() => 0);
    const feeding = servers.map(() => 0);
    let total = 0;
    const count = (leader: number, server: number): void => {
      total++;
      taking[server]!++;
      if (leader >= 0) feeding[leader]!++;
    };
    for (const { leader, joining } of slots) for (const server of joining) count(leader, server);
    const steps: JoinStep[] = [];
    for (const [slot, server] of this.joins.inOrder()) {
      if (total >= limits.maxJoining) break;
      const { leader } = slots[slot]!;
      if (Math.max(taking[server]!, feeding[leader]!) >= limits.maxJoiningPerServer) continue;
      count(leader, server);
      steps.push({ ...this.common(slot), type: 'join', server: this.nameOf(server), reason: this.joinReason(slot) });
    }
    return steps;
  }

  movesWithin({ movesPerRound }: PlannerLimits): MoveStep[] {
    const steps: MoveStep[] = [];
    for (const [slot, next] of this.moves.inOrder()) {
      if (steps.length >= movesPerRound) break;
      const from = this.nameOf(this.cluster.slots[slot]!.leader);
      steps.push({
        ...this.common(slot),
        type: 'move',
        from,
        to: this.nameOf(next),
        reason: this.moveReason(slot),
      });
    }
    return steps;
  }

  private joinRank(slot: number): number {
    const { followers } = this.cluster.slots[slot]!;
    return ORDER.indexOf(this.joinReason(slot)) * (MOST_FOLLOWERS + 1) + Math.min(followers.length, MOST_FOLLOWERS);
  }

  private joinReason(slot: number): JoinStep['reason'] {
    const { cluster, target } = this;
    const { leader, followers, joining } = cluster.slots[slot]!;
    let held = 0;
    let leaving = 0;
    let draining = 0;
    const count = (server: number): void => {
      if (cluster.placeable[server]) held++;
      else leaving++;
      if (cluster.draining[server]) draining++;
    };
    count(leader);
    followers.forEach(count);
    joining.forEach(count);
    if (held + leaving < cluster.replicas) return 'replicas';
    if (held < cluster.replicas) return draining > 0 ? 'draining' : 'balance';
    return target.placement.canStay(slot) ? 'balance' : 'zones';
  }

  private moveRank(slot: number): number {
    const reason = this.moveReason(slot);
    // Whoever is catching up would have to turn to the new leader.
    const canWait = reason === 'balance' && this.cluster.slots[slot]!.joining.length > 0;
    return canWait ? ORDER.length : ORDER.indexOf(reason);
  }

  private moveReason(slot: number): MoveStep['reason'] {
    const { draining, slots } = this.cluster;
    return draining[slots[slot]!.leader] ? 'draining' : 'balance';
  }

  private drop(slot: number, server: number): void {
    const reason = this.cluster.draining[server] ? 'draining' : 'surplus';
    this.drops.push({ ...this.common(slot), type: 'drop', server: this.nameOf(server), reason });
  }

  private common(slot: number): { slot: number; expectedLeaderEpoch: number } {
    return { slot, expectedLeaderEpoch: this.cluster.slots[slot]!.leaderEpoch };
  }

  private nameOf(server: number): string {
    return this.cluster.servers[server]!.incarnation;
  }
}

/** Slots, each with a server, of which only the first few will be asked for: steps are made of those alone. */
class Ranked {
  private readonly byRank: number[][] = [];

  add(rank: number, slot: number, server: number): void {
    while (this.byRank.length <= rank) this.byRank.push([]);
    this.byRank[rank]!.push(slot, server);
  }

  *inOrder(): Iterable<[slot: number, server: number]> {
    for (const flat of this.byRank) for (let at = 0; at < flat.length; at += 2) yield [flat[at]!, flat[at + 1]!];
  }
}

function isComplete({ leader, followers }: Slot, wanted: readonly number[]): boolean {
  return wanted.every((server) => server === leader || followers.includes(server));
}

function holds({ leader, followers, joining }: Slot, server: number): boolean {
  return leader === server || followers.includes(server) || joining.includes(server);
}
