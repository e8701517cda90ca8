import type { RoutingTable } from '#model';
import type { SlotLeader } from './slot-leader.js';

/** How a slot is begun: everything else about it is the owner's business. */
export type BeginSlot = (begun: {
  slot: number;
  leaderEpoch: number;
  waitFor: readonly string[];
  firstSequence: number;
  /** True where meta promoted a complete replica: what is held here counts. */
  inherits: boolean;
  /** True for a leader without meta's word. */
  isStandIn: boolean;
  /** Who led it here until now, at a lower leaderEpoch. */
  former: SlotLeader | undefined;
}) => SlotLeader;

/** Sequences of one run that leads without meta's word; there may be 2^21 runs before they leave the safe integers. */
const SEQUENCES_OF_A_RUN = 2 ** 32;

/**
 * Which slots this incarnation leads, and the highest leaderEpoch it has seen for each (invariant 6).
 *
 * A slot is led by a table that names this very incarnation, and then the leader has meta's word for its leaderEpoch; a
 * leaderEpoch given up is never led again. So each leaderEpoch is led once by meta's word, by one incarnation, and its
 * sequences may start at 0.
 *
 * While meta cannot be asked after a restart, the slots that the saved table gives to the incarnation before this one are
 * led at the same leaderEpoch by this one, which has its address and its folder, so that the other is dead. Its sequences
 * start at run x 2^32, above all that any earlier run has given at that leaderEpoch.
 */
export class Leadership {
  private readonly leading = new Map<number, SlotLeader>();
  private readonly seen: number[] = [];
  /** The lowest leaderEpoch that may still be led, per slot. */
  private readonly unled: number[] = [];
  private standsInFor: { incarnation: string; run: number } | undefined;

  constructor(
    private readonly incarnation: string,
    private readonly begin: BeginSlot,
  ) {}

  get size(): number {
    return this.leading.size;
  }

  leaders(): IterableIterator<SlotLeader> {
    return this.leading.values();
  }

  at(slot: number): SlotLeader | undefined {
    return this.leading.get(slot);
  }

  /** The slots led. */
  slots(): IterableIterator<number> {
    return this.leading.keys();
  }

  some(holds: (leader: SlotLeader) => boolean): boolean {
    for (const leader of this.leading.values()) if (holds(leader)) return true;
    return false;
  }

  /** How many slots a table gives to this incarnation that are not led here, since a later leader of them has been named. */
  unledOf({ slots }: RoutingTable): number {
    return slots.filter(({ leader }, slot) => leader === this.incarnation && !this.leading.has(slot)).length;
  }

  seenEpoch(slot: number): number {
    return this.seen[slot] ?? 0;
  }

  /** Notes a leaderEpoch that somebody named. Answers the leader that thereby ended, if one did. */
  see(slot: number, leaderEpoch: number): SlotLeader | undefined {
    if (leaderEpoch <= this.seenEpoch(slot)) return undefined;
    this.seen[slot] = leaderEpoch;
    return this.end(slot);
  }

  /** From now on, what a table gives to `incarnation` is led here too; with undefined no longer. Takes effect with a table. */
  standInFor(standsInFor: { incarnation: string; run: number } | undefined): void {
    this.standsInFor = standsInFor;
  }

  /** Follows a table: ends what it gives to others, begins what it gives to this incarnation. */
  takeTable(table: RoutingTable): { begun: SlotLeader[]; ended: SlotLeader[] } {
    const begun: SlotLeader[] = [];
    const ended: SlotLeader[] = [];
    const waitFor = sessionsToWaitFor(table);
    const { standsInFor } = this;
    table.slots.forEach(({ leader, leaderEpoch, begun: isNew }, slot) => {
      const isStandIn = leader !== null && leader === standsInFor?.incarnation;
      const isOurs = leader === this.incarnation || isStandIn;
      const former = this.see(slot, leaderEpoch) ?? (isOurs ? undefined : this.end(slot));
      if (former) ended.push(former);
      if (!isOurs || this.leading.has(slot)) return;
      if (leaderEpoch !== this.seenEpoch(slot) || leaderEpoch < (this.unled[slot] ?? 0)) return;
      this.unled[slot] = leaderEpoch + 1;
      const firstSequence = isStandIn ? standsInFor!.run * SEQUENCES_OF_A_RUN : 0;
      const inherits = !isNew && !isStandIn;
      const slotLeader = this.begin({ slot, leaderEpoch, waitFor, firstSequence, inherits, isStandIn, former });
      this.leading.set(slot, slotLeader);
      begun.push(slotLeader);
    });
    return { begun, ended };
  }

  private end(slot: number): SlotLeader | undefined {
    const leader = this.leading.get(slot);
    this.leading.delete(slot);
    return leader;
  }
}

/** Every session incarnation in the table, or removed from it so lately that the table still says so. */
function sessionsToWaitFor({ members, departed }: RoutingTable): string[] {
  return [...members, ...departed].filter(({ role }) => role === 'session').map(({ incarnation }) => incarnation);
}
