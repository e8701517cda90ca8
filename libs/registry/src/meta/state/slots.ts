import type { RoutingTable, SlotAssignment } from '#model';
import { applyStep } from '#sharding';
import type { CommandOf, SlotStep } from '../contract.js';
import type { TableChange } from './change.js';

export function place(table: RoutingTable, { steps }: CommandOf<'place'>): TableChange {
  const dataServers = new Set(
    table.members.filter(({ role }) => role === 'data').map(({ incarnation }) => incarnation),
  );
  const isLive = (incarnation: string): boolean => dataServers.has(incarnation);
  let slots: SlotAssignment[] | undefined;
  for (const step of steps) {
    const slot = (slots ?? table.slots)[step.slot];
    const changed = slot && changeSlot(slot, step, isLive);
    if (!changed) continue;
    slots ??= [...table.slots];
    slots[step.slot] = changed;
  }
  return slots && { slots };
}

function changeSlot(
  slot: SlotAssignment,
  step: SlotStep,
  isLive: (incarnation: string) => boolean,
): SlotAssignment | undefined {
  if (step.type !== 'complete') return applyStep(slot, step, isLive);
  const { leader, leaderEpoch, followers, joining } = slot;
  const { server } = step;
  if (leaderEpoch !== step.expectedLeaderEpoch || leader !== step.leader) return undefined;
  if (!joining.includes(server) || !isLive(server)) return undefined;
  return { ...slot, followers: [...followers, server], joining: joining.filter((other) => other !== server) };
}
