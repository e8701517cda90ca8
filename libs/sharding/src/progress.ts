import type { Cluster, Slot } from './cluster.js';
import type { PlannerLimits } from './limits.js';
import type { DropStep, JoinStep, MoveStep, PlanStep } from './steps.js';
import type { Target } from './target.js';

/**
 * The next steps towards the target, within the limits. What is under way counts: joining replicas stand in the table,
 * and moves are planned again, in the same order, until they are made. No slot waits for another, and `isBusy` ones are
 * left alone. A replica goes only when all that are to stay are complete.
 */
export function progress(
  cluster: Cluster,
  target: Target,
  limits: PlannerLimits,
  isBusy: (slot: number) => boolean,
): PlanStep[] {
  const steps = new Steps(cluster, target);
  for (let slot = 0; slot < cluster.slots.length; slot++) if (!isBusy(slot)) steps.plan(slot);
  return [
    ...steps.gone,
    ...steps.drops,
    ...joinsWithin(cluster, steps.joins.inOrder(), limits),
    // Last, since the others expect the leaderEpoch that a move of the same slot ends.
    ...steps.moves.inOrder().slice(0, limits.movesPerRound),
  ];
}

class Steps {
  readonly gone: DropStep[] = [];
  readonly joins = new Ranked<JoinStep>();
  readonly moves = new Ranked<MoveStep>();
  readonly drops: DropStep[] = [];

  constructor(
    private readonly cluster: Cluster,
    private readonly target: Target,
  ) {}

  plan(slot: number): void {
    const state = this.cluster.slots[slot]!;
    // Without a leader nobody can catch up, and of who is gone somebody may return.
    if (state.leader < 0) return;
    const wanted = this.target.replicas[slot]!;
    for (const server of state.gone) this.gone.push(this.drop(slot, server, 'gone'));
    for (const server of wanted) if (!holds(state, server)) this.join(slot, server);
    const next = this.target.leader[slot]!;
    if (next !== state.leader && this.cluster.fit[next] && state.followers.includes(next)) this.move(slot, next);
    for (const server of state.joining) if (!wanted.includes(server)) this.dropExtra(slot, server);
    for (const server of state.followers)
      if (!wanted.includes(server) && isComplete(state, wanted)) this.dropExtra(slot, server);
  }

  private join(slot: number, server: number): void {
    const reason = joinReason(this.cluster, this.target, slot);
    const rank = JOIN_ORDER.indexOf(reason) * 100 + this.cluster.slots[slot]!.followers.length;
    this.joins.add(rank, { ...this.common(slot), type: 'join', server: this.nameOf(server), reason });
  }

  private move(slot: number, next: number): void {
    const { leader, joining } = this.cluster.slots[slot]!;
    const reason = moveReason(this.cluster, this.target, slot);
    // Whoever is catching up would have to turn to the new leader.
    const canWait = joining.length > 0 && reason === 'balance';
    const rank = canWait ? MOVE_ORDER.length : MOVE_ORDER.indexOf(reason);
    const [from, to] = [this.nameOf(leader), this.nameOf(next)];
    this.moves.add(rank, { ...this.common(slot), type: 'move', from, to, reason });
  }

  private dropExtra(slot: number, server: number): void {
    const reason = this.cluster.draining[server] ? 'draining' : 'surplus';
    this.drops.push(this.drop(slot, this.nameOf(server), reason));
  }

  private drop(slot: number, server: string, reason: DropStep['reason']): DropStep {
    return { ...this.common(slot), type: 'drop', server, reason };
  }

  private common(slot: number): { slot: number; expectedLeaderEpoch: number } {
    return { slot, expectedLeaderEpoch: this.cluster.slots[slot]!.leaderEpoch };
  }

  private nameOf(server: number): string {
    return this.cluster.servers[server]!.incarnation;
  }
}

/** A slot that has lost a replica before one that may lose one before one that merely stands badly. */
const JOIN_ORDER: JoinStep['reason'][] = ['replicas', 'draining', 'zones', 'balance'];
const MOVE_ORDER: MoveStep['reason'][] = ['draining', 'zones', 'balance'];

/** A few ranks for many steps. */
class Ranked<Step> {
  private readonly byRank = new Map<number, Step[]>();

  add(rank: number, step: Step): void {
    const steps = this.byRank.get(rank);
    if (steps) steps.push(step);
    else this.byRank.set(rank, [step]);
  }

  inOrder(): Step[] {
    return [...this.byRank].toSorted(([a], [b]) => a - b).flatMap(([, steps]) => steps);
  }
}

function joinsWithin(cluster: Cluster, joins: readonly JoinStep[], limits: PlannerLimits): JoinStep[] {
  const taking = cluster.servers.map(() => 0);
  const feeding = cluster.servers.map(() => 0);
  let total = 0;
  for (const { leader, joining } of cluster.slots) {
    for (const server of joining) {
      total++;
      taking[server]!++;
      if (leader >= 0) feeding[leader]!++;
    }
  }
  const within: JoinStep[] = [];
  for (const step of joins) {
    if (total >= limits.maxJoining) break;
    const server = cluster.indexOf(step.server);
    const { leader } = cluster.slots[step.slot]!;
    if (taking[server]! >= limits.maxJoiningPerServer || feeding[leader]! >= limits.maxJoiningPerServer) continue;
    total++;
    taking[server]!++;
    feeding[leader]!++;
    within.push(step);
  }
  return within;
}

function joinReason({ draining, replicas }: Cluster, { placement }: Target, slot: number): JoinStep['reason'] {
  const held = placement.held(slot);
  if (held.length < replicas) {
    const { leader, followers, joining } = placement.cluster.slots[slot]!;
    const leaving = [leader, ...followers, ...joining].filter((server) => draining[server]).length;
    return held.length + leaving < replicas ? 'replicas' : 'draining';
  }
  return spreads(placement, held) ? 'balance' : 'zones';
}

function moveReason({ draining, slots }: Cluster, { placement }: Target, slot: number): MoveStep['reason'] {
  const { leader } = slots[slot]!;
  if (draining[leader]) return 'draining';
  const own = placement.replicas[slot]!;
  if (own.includes(leader)) return 'balance';
  return own.some((server) => placement.spread.hasRoom(own, leader, server)) ? 'balance' : 'zones';
}

/** Whether the slot could do with the replicas it holds. */
function spreads({ spread, cluster }: Target['placement'], held: readonly number[]): boolean {
  const kept: number[] = [];
  for (const server of held) if (kept.length < cluster.replicas && spread.hasRoom(kept, server)) kept.push(server);
  return kept.length === cluster.replicas;
}

function isComplete({ leader, followers }: Slot, wanted: readonly number[]): boolean {
  return wanted.every((server) => server === leader || followers.includes(server));
}

function holds({ leader, followers, joining }: Slot, server: number): boolean {
  return leader === server || followers.includes(server) || joining.includes(server);
}
