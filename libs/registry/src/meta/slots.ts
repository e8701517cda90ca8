import { plan } from '#sharding';
import type { MetaContext } from './context.js';
import type { Proposals } from './proposals.js';

/** Who leads which slot: the planner's next steps, proposed one command at a time. */
export class Slots {
  /** The epoch whose slots need no assignment, as far as the planner knows. */
  private plannedEpoch = -1;

  constructor(
    private readonly context: MetaContext,
    private readonly proposals: Proposals,
  ) {}

  /** One proposal at a time: the next plan starts from what this one led to. */
  assign(): void {
    const { ready, table } = this.context;
    if (!ready || this.plannedEpoch === table.epoch || this.proposals.has('assign')) return;
    const planned = plan(table);
    if (planned.length === 0) {
      this.plannedEpoch = table.epoch;
      return;
    }
    this.context.log('info', 'assigning-slots', { slots: planned.length, epoch: table.epoch });
    const assignments = planned.map(({ slot, expectedLeaderEpoch, leader }) => ({ slot, expectedLeaderEpoch, leader }));
    this.proposals.propose({ type: 'assign', assignments });
  }
}
