import type { Member, SlotAssignment } from '#model';
import type { Servers } from './slots.js';

/**
 * What the table says of the disks of a durable slot. Whoever leads it, and every complete follower that lives, has one of
 * `disks`; so a disk that is taken off makes a replica that has it joining again, and a server without a disk never is
 * complete.
 */

/** From the first persistent publication on. */
export function markDurable(slot: SlotAssignment, servers: Servers): SlotAssignment | undefined {
  const own = servers.get(slot.leader!)?.diskId;
  if (slot.durable || own === undefined) return undefined;
  const disks = [own];
  const followers: string[] = [];
  const joining = [...slot.joining];
  for (const follower of slot.followers) {
    const disk = servers.get(follower)?.diskId;
    // Who is gone was complete with nothing on its disk: it counts no more than one without any.
    if (disk !== undefined && !disks.includes(disk)) {
      disks.push(disk);
      followers.push(follower);
    } else if (servers.has(follower)) joining.push(follower);
  }
  return { ...slot, durable: true, disks, followers, joining };
}

/** A replica has become complete. */
export function addDisk(slot: SlotAssignment, { diskId }: Member): SlotAssignment | undefined {
  if (!slot.durable) return slot;
  if (diskId === undefined) return undefined;
  const { disks = [] } = slot;
  return disks.includes(diskId) ? slot : { ...slot, disks: [...disks, diskId] };
}

/** A replica has been dropped while it lives. One that is gone may come back with all that its disk has. */
export function withoutDiskOf(slot: SlotAssignment, server: Member | undefined): SlotAssignment {
  if (!slot.durable || server?.diskId === undefined) return slot;
  return { ...slot, disks: (slot.disks ?? []).filter((disk) => disk !== server.diskId) };
}

/** Who has the disk is complete no longer. The leader's own disk counts as long as it leads. */
export function behind(slot: SlotAssignment, disk: string, servers: Servers): SlotAssignment | undefined {
  const has = (incarnation: string): boolean => servers.get(incarnation)?.diskId === disk;
  const { disks = [], followers, joining } = slot;
  if (has(slot.leader!)) return undefined;
  // A replica that was proposed, and is not complete yet, is to be made anew.
  if (joining.some(has) && !disks.includes(disk))
    return { ...slot, joining: joining.filter((incarnation) => !has(incarnation)) };
  if (!disks.includes(disk)) return undefined;
  return {
    ...slot,
    disks: disks.filter((other) => other !== disk),
    followers: followers.filter((incarnation) => !has(incarnation)),
    joining: [...joining, ...followers.filter(has)],
  };
}

/** Nothing but the disk counts: what was held in memory is begun anew, as wherever no complete replica lives. */
export function resume(slot: SlotAssignment, leader: string, servers: Servers): SlotAssignment | undefined {
  if (!mayResume(slot, leader, servers)) return undefined;
  return {
    ...slot,
    leader,
    leaderEpoch: slot.leaderEpoch + 1,
    begun: true,
    followers: [],
    joining: slot.joining.filter((other) => other !== leader),
  };
}

export function mayResume(slot: SlotAssignment, leader: string, servers: Servers): boolean {
  const disk = servers.get(leader)?.diskId;
  if (!isWaiting(slot, servers) || disk === undefined) return false;
  return (slot.disks ?? []).includes(disk);
}

/** Whether a durable slot has no complete replica that lives. */
export function isWaiting({ durable = false, leader, followers }: SlotAssignment, servers: Servers): boolean {
  const isLive = (incarnation: string | null): boolean => incarnation !== null && servers.has(incarnation);
  return durable && !isLive(leader) && !followers.some(isLive);
}

/** The slot without what it had held that was persistent: an operator says that none of its disks comes back. */
export function givenUp(slot: SlotAssignment): SlotAssignment {
  const { durable: _durable, disks: _disks, ...rest } = slot;
  return rest;
}

export function isReplica({ leader, followers, joining }: SlotAssignment, server: string): boolean {
  return leader === server || followers.includes(server) || joining.includes(server);
}
