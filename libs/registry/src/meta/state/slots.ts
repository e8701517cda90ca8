import type { RoutingTable, SlotAssignment } from '#model';
import type { CommandOf } from '../contract.js';
import type { TableChange } from './change.js';

export function assign(table: RoutingTable, { assignments }: CommandOf<'assign'>): TableChange {
  const dataServers = new Set(
    table.members.filter(({ role }) => role === 'data').map(({ incarnation }) => incarnation),
  );
  let slots: SlotAssignment[] | undefined;
  for (const { slot: index, expectedLeaderEpoch, leader } of assignments) {
    const slot = (slots ?? table.slots)[index];
    if (!slot || slot.leaderEpoch !== expectedLeaderEpoch || slot.leader === leader) continue;
    if (leader !== null && !dataServers.has(leader)) continue;
    slots ??= [...table.slots];
    slots[index] = { ...slot, leader, leaderEpoch: slot.leaderEpoch + 1 };
  }
  return slots && { slots };
}
