import { isProtected } from '#model';
import { type PlanStep, plan } from '#sharding';
import type { MetaContext } from './context.js';
import type { Proposals } from './proposals.js';

/** Slots that change hands for balance in one command. */
const MOVES_PER_ROUND = 16;

/** What a plan depends on. */
interface Basis {
  epoch: number;
  barred: ReadonlySet<string>;
  mayBalance: boolean;
}

/** Who leads which slot: the planner's next steps, proposed one command at a time. */
export class Slots {
  /** The latest for which the planner had nothing to do. */
  private done: Basis | undefined;

  constructor(
    private readonly context: MetaContext,
    private readonly proposals: Proposals,
  ) {}

  /**
   * One proposal at a time: the next plan starts from what this one led to. A new leader moves nothing for balance
   * before it is settled, since it has yet to hear whom the session servers cannot reach. While so many servers are
   * missed that they are expected back, only slots without a leader are given one.
   * @param barred members that are to lead nothing
   */
  assign(nowMs: number, barred: ReadonlySet<string>): void {
    const { context, done } = this;
    const { ready, table } = context;
    if (!ready || this.proposals.has('assign')) return;
    const basis = { epoch: table.epoch, barred, mayBalance: context.isNew || context.isSettled(nowMs) };
    const isDone = done?.epoch === basis.epoch && done.barred === barred && done.mayBalance === basis.mayBalance;
    if (isDone) return;
    const limits = { maxJoining: MOVES_PER_ROUND, maxJoiningPerServer: MOVES_PER_ROUND };
    const { mayBalance } = basis;
    const steps = plan({ table, replicas: 1, unfit: barred, mayBalance, frozen: isProtected(table), limits });
    const assignments = steps.flatMap(assignment);
    if (assignments.length === 0) {
      this.done = basis;
      return;
    }
    context.log('info', 'assigning-slots', { slots: assignments.length, epoch: table.epoch });
    this.proposals.propose({ type: 'assign', assignments });
  }
}

/** While slots have one replica each, the server that is to join leads from empty like one that begins. */
function assignment(step: PlanStep): { slot: number; expectedLeaderEpoch: number; leader: string }[] {
  const { slot, expectedLeaderEpoch } = step;
  if (step.type === 'begin' || step.type === 'promote') return [{ slot, expectedLeaderEpoch, leader: step.leader }];
  return step.type === 'join' ? [{ slot, expectedLeaderEpoch, leader: step.server }] : [];
}
