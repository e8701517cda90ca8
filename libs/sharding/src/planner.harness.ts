import type { Member, RoutingTable, SlotAssignment } from '#model';
import { type PlanInput, type PlanStep, applyStep, plan } from './index.js';

/** A server is written as its incarnation, with its zone after an `@` and its weight after a `*`: `d1@a*2`. */
export function server(text: string): Member {
  const [, incarnation, zone = '', weight = '1'] = /^([^@*]+)(?:@([^*]*))?(?:\*(.+))?$/.exec(text)!;
  return {
    role: 'data',
    incarnation: incarnation!,
    address: `${incarnation}:9620`,
    httpAddress: `${incarnation}:9622`,
    zone,
    weight: Number(weight),
  };
}

export function tableOf(members: Member[], slots: SlotAssignment[]): RoutingTable {
  return { clusterId: 'c', epoch: 1, slots, members, departed: [] };
}

export function emptyTable(slotCount: number, members: Member[]): RoutingTable {
  return tableOf(members, Array<SlotAssignment>(slotCount).fill(slotOf('')));
}

/** A slot is written as its leader, its complete followers, and its joining replicas: `d1 d2 +d3`; `-` for no leader. */
export function slotOf(text: string, rest: Partial<SlotAssignment> = {}): SlotAssignment {
  const names = text.split(' ').filter((name) => name !== '');
  const leader = names[0] === undefined || names[0] === '-' ? null : names[0];
  const joining = names.filter((name) => name.startsWith('+')).map((name) => name.slice(1));
  const followers = names.slice(1).filter((name) => !name.startsWith('+'));
  return { leader, leaderEpoch: leader === null ? 0 : 1, followers, joining, ...rest };
}

/** The table once the steps are made. Each must be possible. */
export function applied(table: RoutingTable, steps: readonly PlanStep[]): RoutingTable {
  const live = new Set(table.members.map(({ incarnation }) => incarnation));
  const slots = [...table.slots];
  for (const step of steps) {
    const changed = applyStep(slots[step.slot]!, step, (incarnation) => live.has(incarnation));
    if (!changed) throw new Error(`Impossible: ${JSON.stringify(step)}`);
    slots[step.slot] = changed;
  }
  return { ...table, epoch: table.epoch + 1, slots };
}

/** The table once those of the live joining replicas for which `isReady` is true have caught up with a live leader. */
export function caughtUp(table: RoutingTable, isReady: (incarnation: string) => boolean = () => true): RoutingTable {
  const live = new Set(table.members.map(({ incarnation }) => incarnation));
  const slots = table.slots.map((slot) => {
    const complete = slot.joining.filter((incarnation) => live.has(incarnation) && isReady(incarnation));
    if (complete.length === 0 || slot.leader === null || !live.has(slot.leader)) return slot;
    const joining = slot.joining.filter((incarnation) => !complete.includes(incarnation));
    return { ...slot, followers: [...slot.followers, ...complete], joining };
  });
  return { ...table, slots };
}

export interface Settled {
  table: RoutingTable;
  /** All that was planned, in order. */
  steps: PlanStep[];
  rounds: number;
}

/** Plans, makes the steps, and lets every replica catch up, until nothing is left to plan. */
export function settle(input: PlanInput & { table: RoutingTable }): Settled {
  let { table } = input;
  const all: PlanStep[] = [];
  for (let rounds = 0; rounds < 2_000; rounds++) {
    const steps = plan({ ...input, table });
    if (steps.length === 0) return { table, steps: all, rounds };
    all.push(...steps);
    table = caughtUp(applied(table, steps));
  }
  throw new Error('The planner does not come to rest.');
}

/** How many slots each live data server leads, and of how many it has a replica, leaders included. */
export function loadsOf({ members, slots }: RoutingTable): Record<string, { leads: number; replicas: number }> {
  const loads = Object.fromEntries(members.map(({ incarnation }) => [incarnation, { leads: 0, replicas: 0 }]));
  for (const { leader, followers, joining } of slots) {
    if (leader !== null && loads[leader]) loads[leader].leads++;
    for (const server of [leader, ...followers, ...joining])
      if (server !== null && loads[server]) loads[server].replicas++;
  }
  return loads;
}
