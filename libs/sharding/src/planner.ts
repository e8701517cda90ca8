import type { RoutingTable } from '#model';
import { type ServerLoad, serverLoads } from './load.js';

/** A slot to be led by another server. Meta proposes it on the condition that the slot is still at this epoch. */
export interface Assignment {
  slot: number;
  expectedLeaderEpoch: number;
  leader: string;
  reason: AssignmentReason;
}

/**
 * `unassigned`: nobody led the slot. `leader-gone`: who did is no member any more. `leader-barred`: who does may not.
 * `balance`: its leader has enough, and another has too few or at least fewer.
 */
export type AssignmentReason = 'unassigned' | 'leader-gone' | 'leader-barred' | 'balance';

export interface PlannerLimits {
  /** Moves for balance in one plan. Each leaves its slot partial for a moment, so they come a few at a time. */
  movesPerRound: number;
  /** Members that are to lead nothing, such as those that session servers cannot reach; ignored if it names all of them. */
  barred: ReadonlySet<string>;
}

const DEFAULTS: PlannerLimits = { movesPerRound: 16, barred: new Set() };

/**
 * Who should lead which slot, as changes to the table. First, and without bound, every slot gets a leader whose own is
 * not live or may not lead: it cannot be written to until then. Then slots move from servers that lead too many to
 * servers that lead too few, as few as bring every server within its bounds, and at most `movesPerRound`.
 *
 * While no data server is live nothing is planned, and a slot goes on naming a leader that is gone: nobody could take
 * over, so a change would only raise the leaderEpoch, and cut off a server that may still serve those who reach it.
 *
 * The same table gives the same plan. Applying plans until one is empty ends in a balanced table.
 */
export function plan(table: RoutingTable, limits: Partial<PlannerLimits> = {}): Assignment[] {
  const { movesPerRound, barred } = { ...DEFAULTS, ...limits };
  const eligible = table.members.filter(({ incarnation }) => !barred.has(incarnation));
  const open = serverLoads({ ...table, members: eligible });
  const loads = open.length > 0 ? open : serverLoads(table);
  if (loads.length === 0) return [];
  const placed = placeLeaderless(table, loads);
  return [...placed, ...balance(table, loads, placed, movesPerRound)];
}

/** Counts in `loads` follow what is planned, here and in {@link balance}. */
function placeLeaderless(table: RoutingTable, loads: ServerLoad[]): Assignment[] {
  const live = new Set(loads.map(({ incarnation }) => incarnation));
  const members = new Set(table.members.map(({ incarnation }) => incarnation));
  const assignments: Assignment[] = [];
  for (const [slot, { leader, leaderEpoch }] of table.slots.entries()) {
    if (leader !== null && live.has(leader)) continue;
    const target = neediest(loads);
    target.slots++;
    assignments.push({
      slot,
      expectedLeaderEpoch: leaderEpoch,
      leader: target.incarnation,
      reason: leader === null ? 'unassigned' : members.has(leader) ? 'leader-barred' : 'leader-gone',
    });
  }
  return assignments;
}

/**
 * While servers are over and others under their bounds, each move helps one of either kind, so that the number of moves
 * is the larger of the total excess and the total deficit: no plan can do with fewer. A move takes neither its donor
 * nor its receiver out of bounds, hence nothing ever moves back.
 */
function balance(table: RoutingTable, loads: ServerLoad[], placed: Assignment[], maxMoves: number): Assignment[] {
  const movable = movableSlots(table, loads, placed);
  const moves: Assignment[] = [];
  while (moves.length < maxMoves) {
    const over = loads.filter(({ slots, most }) => slots > most);
    if (over.length === 0 && loads.every(({ slots, fewest }) => slots >= fewest)) break;
    const donor = mostLoaded(over.length > 0 ? over : loads.filter(({ slots, fewest }) => slots > fewest));
    const receiver = neediest(loads);
    // Slots were placed only with servers that needed them, so a donor still leads the slots it had before.
    const slot = movable.get(donor.incarnation)!.pop()!;
    donor.slots--;
    receiver.slots++;
    moves.push({
      slot,
      expectedLeaderEpoch: table.slots[slot]!.leaderEpoch,
      leader: receiver.incarnation,
      reason: 'balance',
    });
  }
  return moves;
}

/** The slots of each server in `loads` that this plan has not touched, the lowest last. */
function movableSlots(table: RoutingTable, loads: ServerLoad[], placed: Assignment[]): Map<string, number[]> {
  const placedSlots = new Set(placed.map(({ slot }) => slot));
  const movable = new Map<string, number[]>(loads.map(({ incarnation }) => [incarnation, []]));
  for (let slot = table.slots.length - 1; slot >= 0; slot--) {
    const { leader } = table.slots[slot]!;
    if (leader !== null && !placedSlots.has(slot)) movable.get(leader)?.push(slot);
  }
  return movable;
}

/**
 * The server to give a slot to: one that leads too few, or else one that may lead more; of those the one that carries
 * least for its weight. There is one whenever a slot is left to give, since the bounds have room for all slots.
 */
function neediest(loads: ServerLoad[]): ServerLoad {
  const under = loads.filter(({ slots, fewest }) => slots < fewest);
  const candidates = under.length > 0 ? under : loads.filter(({ slots, most }) => slots < most);
  // Half a slot more, as in the Webster method, keeps shares closest to exact for large and small servers alike.
  return candidates.reduce((best, load) =>
    (load.slots + 0.5) * best.weight < (best.slots + 0.5) * load.weight ? load : best,
  );
}

/** The server that carries most for its weight; the first of equals. */
function mostLoaded(loads: ServerLoad[]): ServerLoad {
  return loads.reduce((best, load) => (load.slots * best.weight > best.slots * load.weight ? load : best));
}
