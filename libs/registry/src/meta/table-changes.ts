import type { DepartedMember, RoutingTable } from '#model';

/**
 * How a slot came by its leader: handed over by one that lives, promoted from the complete followers of one that is gone, or
 * begun from nothing.
 */
export type LeaderChange = 'handover' | 'promotion' | 'begun';

/** Counts what becomes of slots and members from one table to the next, for metrics. */
export class TableChanges {
  readonly leaders: Record<LeaderChange, number> = { handover: 0, promotion: 0, begun: 0 };
  readonly departed: Record<DepartedMember['cause'], number> = { left: 0, expired: 0, refused: 0, replaced: 0 };
  /** Replicas that were told to join a slot. */
  joins = 0;

  /** What is shared between the two has not changed. */
  note(before: RoutingTable, after: RoutingTable): void {
    if (before === after) return;
    if (before.departed !== after.departed) this.noteDeparted(before, after);
    if (before.slots === after.slots) return;
    const living = new Set(after.members.map(({ incarnation }) => incarnation));
    for (const [i, slot] of after.slots.entries()) {
      const former = before.slots[i];
      if (!former || former === slot) continue;
      if (slot.leaderEpoch !== former.leaderEpoch && slot.leader !== null) {
        const isHandedOver = former.leader !== null && living.has(former.leader);
        this.leaders[slot.begun ? 'begun' : isHandedOver ? 'handover' : 'promotion']++;
      }
      for (const incarnation of slot.joining) if (!former.joining.includes(incarnation)) this.joins++;
    }
  }

  private noteDeparted(before: RoutingTable, after: RoutingTable): void {
    const known = new Set(before.departed.map(({ incarnation }) => incarnation));
    for (const { incarnation, cause } of after.departed) if (!known.has(incarnation)) this.departed[cause]++;
  }
}
