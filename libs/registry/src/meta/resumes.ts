import type { RoutingTable } from '#model';
import type { SlotStep } from './contract.js';
import { isWaiting, mayResume } from './state/durable-slots.js';
import { dataServers } from './state/slots.js';

/**
 * Who is to lead durable slots of which no complete replica lives, out of those that have come back with one of their
 * disks: whoever holds fewest slots of those who may. Unlike a slot that begins from nothing, such a slot has no choice of
 * its server, so this is no matter of balance.
 */
export function resumes(table: RoutingTable): SlotStep[] {
  const servers = dataServers(table);
  const leads = new Map<string, number>();
  for (const { leader } of table.slots) if (leader !== null) leads.set(leader, (leads.get(leader) ?? 0) + 1);
  return table.slots.flatMap((assignment, slot): SlotStep[] => {
    if (!isWaiting(assignment, servers)) return [];
    const candidates = [...servers.keys()].filter((incarnation) => mayResume(assignment, incarnation, servers));
    const leader = candidates.toSorted((a, b) => (leads.get(a) ?? 0) - (leads.get(b) ?? 0))[0];
    if (leader === undefined) return [];
    leads.set(leader, (leads.get(leader) ?? 0) + 1);
    return [{ type: 'resume', slot, expectedLeaderEpoch: assignment.leaderEpoch, leader }];
  });
}
