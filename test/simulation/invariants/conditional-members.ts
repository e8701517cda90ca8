import type { RoutingTable } from '#model';
import { type Observer, Violation } from '#sim';
import { onCommitted } from './committed.js';

/**
 * Invariant 7 for members, as the committed tables show it: whoever leaves is recorded as departed; an incarnation
 * that has departed never comes back; and no two members have one address.
 */
export function conditionalMembers(): Observer {
  const everDeparted = new Set<string>();
  return onCommitted(({ before: { table: before }, after: { table: after }, isSingle }) => {
    const broken = (what: string): never => {
      throw new Violation('invariant 7', `from epoch ${before.epoch} to ${after.epoch} ${what}`);
    };
    const departed = new Map(after.departed.map((each) => [each.incarnation, each]));
    for (const member of before.members) {
      if (isMember(after, member.incarnation)) continue;
      everDeparted.add(member.incarnation);
      const record = departed.get(member.incarnation);
      // Who departed long ago is forgotten; in one step nobody both departs and is forgotten.
      if (!record) {
        if (isSingle) broken(`${member.incarnation} is no member any more, and nothing says why`);
      } else if (record.role !== member.role) broken(`${member.incarnation} has departed as a ${record.role} server`);
    }
    for (const { incarnation } of after.departed) everDeparted.add(incarnation);
    for (const { incarnation, role, address } of after.members) {
      if (everDeparted.has(incarnation)) broken(`${incarnation}, which had departed, is a member`);
      const others = after.members.filter((other) => other.role === role && other.address === address);
      if (others.length > 1) broken(`${address} is the address of ${others.length} members`);
    }
  });
}

function isMember({ members }: RoutingTable, incarnation: string): boolean {
  return members.some((member) => member.incarnation === incarnation);
}
