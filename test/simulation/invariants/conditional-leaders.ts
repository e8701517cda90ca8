import type { LogEffect, RoutingTable, SlotAssignment } from '#model';
import { type Observer, Violation } from '#sim';
import { onCommitted } from './committed.js';

/**
 * Invariant 7 for slots, as the committed tables show it: the epoch of the table and each leaderEpoch only rise, no slot
 * changes its leader at one leaderEpoch, and who takes a slot over is a data server that is a member, and a complete
 * replica wherever one is left that session servers can reach, as far as meta knows; or else the next incarnation of its
 * leader, which has led it on while meta was away.
 */
export function conditionalLeaders(): Observer {
  /** Whom a leader of meta has called unreachable, and none the contrary since. */
  const unreachable = new Set<unknown>();
  const committed = onCommitted(({ before: { table: before }, after: { table: after }, isSingle }) => {
    const broken = (what: string): never => {
      throw new Violation('invariant 7', `from epoch ${before.epoch} to ${after.epoch} ${what}`);
    };
    if (after.clusterId !== before.clusterId) broken(`the clusterId becomes ${after.clusterId}`);
    if (after.epoch < before.epoch) broken('the table goes back');
    if (after.slots.length !== before.slots.length) broken(`the slots become ${after.slots.length}`);
    for (const [slot, now] of after.slots.entries()) {
      const was = before.slots[slot]!;
      const moved = was.leader !== now.leader;
      if (now.leaderEpoch < was.leaderEpoch || (moved && now.leaderEpoch === was.leaderEpoch))
        broken(`slot ${slot} goes from ${JSON.stringify(was)} to ${JSON.stringify(now)}`);
      if (!moved || now.leader === null || !isSingle) continue;
      if (!after.members.some(({ role, incarnation }) => role === 'data' && incarnation === now.leader))
        broken(`slot ${slot} is led by ${now.leader}, which is no data server of the cluster`);
      const replicas = completeReplicas(was, before, after);
      // One that was called unreachable need not take over, and may.
      const isDue = replicas.some((replica) => !unreachable.has(replica));
      if (isDue && !replicas.includes(now.leader) && !isSuccessor(was.leader, now.leader, before, after))
        broken(`slot ${slot} is led by ${now.leader}, though ${replicas.join(', ')} are complete`);
    }
  });
  return {
    ...committed,
    effect: (_, effect) => {
      const { event, fields } = effect as LogEffect;
      if (event === 'member-unreachable') unreachable.add(fields?.['incarnation']);
      if (event === 'member-reachable') unreachable.delete(fields?.['incarnation']);
    },
  };
}

/** The followers that were complete and are still members. */
function completeReplicas({ followers }: SlotAssignment, ...tables: RoutingTable[]): string[] {
  return followers.filter((follower) =>
    tables.every(({ members }) => members.some(({ incarnation }) => incarnation === follower)),
  );
}

function isSuccessor(was: string | null, now: string, before: RoutingTable, after: RoutingTable): boolean {
  const addressIn = ({ members }: RoutingTable, incarnation: string | null): string | undefined =>
    members.find((member) => member.incarnation === incarnation)?.address;
  return addressIn(before, was) !== undefined && addressIn(before, was) === addressIn(after, now);
}
