import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, type RoutingTable, type SlotAssignment, toDataInfoId } from '#model';
import { slotOf } from '#sharding';
import type { ClusterNode } from '../../scripts/lib/cluster.mjs';

const POLL_MS = 20;

/** The table that a data or session server has saved last; undefined while it has none. */
export function savedTable(node: ClusterNode): RoutingTable | undefined {
  try {
    const [, json] = readFileSync(join(node.dataDir, 'table.json'), 'utf8').split('\n');
    return JSON.parse(json!) as RoutingTable;
  } catch {
    return undefined;
  }
}

/** Resolves with the first table of the node of which the condition holds. */
export async function tableOf(node: ClusterNode, holds: (table: RoutingTable) => boolean): Promise<RoutingTable> {
  for (;;) {
    const table = savedTable(node);
    if (table && holds(table)) return table;
    await setTimeout(POLL_MS);
  }
}

/** Every slot has a leader that is a member, and this many complete replicas that are, the leader included. */
export function isWhole({ slots, members }: RoutingTable, replicas: number): boolean {
  const live = new Set(members.map(({ incarnation }) => incarnation));
  return slots.every(
    ({ leader, followers, joining }) =>
      leader !== null &&
      live.has(leader) &&
      joining.length === 0 &&
      followers.filter((follower) => live.has(follower)).length === replicas - 1 &&
      followers.length === replicas - 1,
  );
}

export function slotHolding({ slots }: RoutingTable, dataId: string): SlotAssignment {
  const dataInfoId = toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
  return slots[slotOf(dataInfoId, slots.length)]!;
}

export function addressOf({ members }: RoutingTable, incarnation: string | null): string | undefined {
  return members.find((member) => member.incarnation === incarnation)?.address;
}
