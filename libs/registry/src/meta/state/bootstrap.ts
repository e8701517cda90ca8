import type { RoutingTable, SlotAssignment } from '#model';
import { isSlotCount } from '#sharding';
import type { CommandOf } from '../contract.js';
import type { TableChange } from './change.js';

export function bootstrap(table: RoutingTable, { clusterId, slotCount }: CommandOf<'bootstrap'>): TableChange {
  if (table.clusterId !== '' || clusterId === '' || !isSlotCount(slotCount)) return undefined;
  const slot: SlotAssignment = { leader: null, leaderEpoch: 0, followers: [], joining: [] };
  return { clusterId, slots: Array.from({ length: slotCount }, () => slot) };
}
