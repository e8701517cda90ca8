import { type Member, type RoutingTable, type SlotAssignment, featureLevelOf } from '#model';
import type { CommandOf } from '../contract.js';
import type { TableChange } from './change.js';
import { count, protect } from './protection.js';

/**
 * An incarnation is one process at one address, so a known one has nothing new to say, and a departed one is not taken
 * back. A server that was restarted takes over the slots of the incarnation it replaces, in the same command: nothing else
 * moves, and no slot waits for the planner. Slots that have followers are left to the planner, since only a complete
 * replica may be promoted and the newcomer has yet to show that it is one; unless it has led them already while meta was
 * away.
 */
export function join(
  table: RoutingTable,
  { member, standsIn = false }: CommandOf<'join'>,
  featureLevel: number,
): TableChange {
  if (table.clusterId === '' || featureLevelOf(member) < featureLevel) return undefined;
  if (table.departed.some(({ incarnation }) => incarnation === member.incarnation)) return undefined;
  if (table.members.some(({ incarnation }) => incarnation === member.incarnation)) return undefined;
  const isReplaced = (other: Member): boolean => other.role === member.role && other.address === member.address;
  const replaced = table.members.filter(isReplaced).map(({ incarnation }) => incarnation);
  const members = [...table.members.filter((other) => !isReplaced(other)), member];
  const departed = [
    ...table.departed,
    ...replaced.map((incarnation) => ({ role: member.role, incarnation, cause: 'replaced' as const })),
  ];
  const guarded = protect(table, member.role, 'joined', { members, departed });
  if (replaced.length === 0) return { members, ...guarded };
  return {
    members,
    departed,
    ...guarded,
    slots: table.slots.map((slot) =>
      slot.leader !== null &&
      replaced.includes(slot.leader) &&
      (slot.followers.length === 0 || standsIn) &&
      hasDiskFor(slot, member)
        ? { ...slot, leader: member.incarnation, leaderEpoch: slot.leaderEpoch + 1, begun: !standsIn }
        : slot,
    ),
  };
}

/** A slot goes on naming a leader that is gone until it is assigned anew: its leaderEpoch has not changed. */
export function remove(table: RoutingTable, { incarnation, cause }: CommandOf<'remove'>): TableChange {
  const member = table.members.find((other) => other.incarnation === incarnation);
  if (!member) return undefined;
  const { role } = member;
  const isLoss = cause !== 'left';
  const members = table.members.filter((other) => other !== member);
  const loss = isLoss ? { outOf: count(table.members, role) } : {};
  const departed = [...table.departed, { role, incarnation, cause, ...loss }];
  return { members, departed, ...protect(table, role, isLoss ? 'lost' : 'left', { members, departed }) };
}

export function forget(table: RoutingTable, { incarnations }: CommandOf<'forget'>): TableChange {
  const departed = table.departed.filter(({ incarnation }) => !incarnations.includes(incarnation));
  return departed.length < table.departed.length ? { departed } : undefined;
}

/** Who comes back with an empty folder does not lead what its disk has held. */
function hasDiskFor({ durable, disks = [] }: SlotAssignment, { diskId }: Member): boolean {
  return !durable || (diskId !== undefined && disks.includes(diskId));
}
