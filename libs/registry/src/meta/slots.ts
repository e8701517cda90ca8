import { plan } from '#sharding';
import type { MetaContext } from './context.js';
import type { Proposals } from './proposals.js';

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
   * before it is settled, since it has yet to hear whom the session servers cannot reach.
   * @param barred members that are to lead nothing
   */
  assign(nowMs: number, barred: ReadonlySet<string>): void {
    const { context, done } = this;
    const { ready, table } = context;
    if (!ready || this.proposals.has('assign')) return;
    const basis = { epoch: table.epoch, barred, mayBalance: context.isNew || context.isSettled(nowMs) };
    const isDone = done?.epoch === basis.epoch && done.barred === barred && done.mayBalance === basis.mayBalance;
    if (isDone) return;
    const planned = plan(table, { barred, ...(basis.mayBalance ? {} : { movesPerRound: 0 }) });
    if (planned.length === 0) {
      this.done = basis;
      return;
    }
    context.log('info', 'assigning-slots', { slots: planned.length, epoch: table.epoch });
    const assignments = planned.map(({ slot, expectedLeaderEpoch, leader }) => ({ slot, expectedLeaderEpoch, leader }));
    this.proposals.propose({ type: 'assign', assignments });
  }
}
