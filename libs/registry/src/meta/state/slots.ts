import type { Member, RoutingTable, SlotAssignment } from '#model';
import { applyStep } from '#sharding';
import type { CommandOf, SlotStep } from '../contract.js';
import type { TableChange } from './change.js';
import { addDisk, behind, givenUp, isReplica, isWaiting, markDurable, resume, withoutDiskOf } from './durable-slots.js';

/** Data servers that are members, by incarnation. */
export type Servers = ReadonlyMap<string, Member>;

/** Only of a slot that waits, and that was waiting when the operator looked. */
export function abandonSlot(table: RoutingTable, command: CommandOf<'abandonSlot'>): TableChange {
  const slot = table.slots[command.slot];
  if (slot?.leaderEpoch !== command.leaderEpoch || !isWaiting(slot, dataServers(table))) return undefined;
  return { slots: table.slots.with(command.slot, givenUp(slot)) };
}

export function dataServers({ members }: Pick<RoutingTable, 'members'>): Servers {
  return new Map(members.filter(({ role }) => role === 'data').map((member) => [member.incarnation, member]));
}

export function place(table: RoutingTable, { steps }: CommandOf<'place'>): TableChange {
  const servers = dataServers(table);
  let slots: SlotAssignment[] | undefined;
  for (const step of steps) {
    const slot = (slots ?? table.slots)[step.slot];
    const changed = slot && changeSlot(slot, step, servers);
    if (!changed) continue;
    slots ??= [...table.slots];
    slots[step.slot] = changed;
  }
  return slots && { slots };
}

function changeSlot(slot: SlotAssignment, step: SlotStep, servers: Servers): SlotAssignment | undefined {
  if (slot.leaderEpoch !== step.expectedLeaderEpoch) return undefined;
  switch (step.type) {
    case 'complete':
      return slot.leader === step.leader ? complete(slot, step.server, servers) : undefined;
    case 'durable':
      return slot.leader === step.leader ? markDurable(slot, servers) : undefined;
    case 'behind':
      return slot.leader === step.leader ? behind(slot, step.disk, servers) : undefined;
    case 'resume':
      return resume(slot, step.leader, servers);
    case 'drop': {
      const dropped = applyStep(slot, step, (incarnation) => servers.has(incarnation));
      return dropped && !isReplica(dropped, step.server) ? withoutDiskOf(dropped, servers.get(step.server)) : dropped;
    }
    default:
      return applyStep(slot, step, (incarnation) => servers.has(incarnation));
  }
}

function complete(slot: SlotAssignment, server: string, servers: Servers): SlotAssignment | undefined {
  const { followers, joining } = slot;
  if (!joining.includes(server) || !servers.has(server)) return undefined;
  const completed = {
    ...slot,
    followers: [...followers, server],
    joining: joining.filter((other) => other !== server),
  };
  return addDisk(completed, servers.get(server)!);
}
