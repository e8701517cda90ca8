import { type Member, RegistryError, type RoutingTable, type SlotAssignment } from '#model';
import { isSlotCount } from '#sharding';
import type { MetaCommand, MetaResult, MetaState } from './contract.js';

/**
 * The replicated state machine of meta: pure, so that every node that applies the same log holds the same table. Every
 * command is conditional on what it replaces (invariant 7), so a late or repeated one changes nothing. The epoch rises
 * by one with each command that changes anything. What did not change is shared with the previous state.
 */
export const metaStateMachine = {
  initial(): MetaState {
    return { table: { clusterId: '', epoch: 0, slots: [], members: [], departed: [] } };
  },

  /**
   * @throws RegistryError INTERNAL for a command this version does not know. Skipping it would let this node's state
   * drift away from the others', so the host must stop the node; the feature level keeps it from happening.
   */
  apply(state: MetaState, command: MetaCommand): { state: MetaState; result: MetaResult } {
    const change = changeOf(state.table, command);
    if (!change) return { state, result: { changed: false, epoch: state.table.epoch } };
    const table = { ...state.table, ...change, epoch: state.table.epoch + 1 };
    return { state: { table }, result: { changed: true, epoch: table.epoch } };
  },
};

type Change = Partial<Omit<RoutingTable, 'epoch'>>;

/** The fields of the table that the command replaces, or undefined when it changes nothing. */
function changeOf(table: RoutingTable, command: MetaCommand): Change | undefined {
  switch (command.type) {
    case 'bootstrap':
      return bootstrap(table, command.clusterId, command.slotCount);
    case 'join':
      return join(table, command.member);
    case 'remove':
      return remove(table, command);
    case 'assign':
      return assign(table, command.assignments);
    case 'forget': {
      const departed = table.departed.filter(({ incarnation }) => !command.incarnations.includes(incarnation));
      return departed.length < table.departed.length ? { departed } : undefined;
    }
    default: {
      const { type } = command as { type: string };
      throw new RegistryError('INTERNAL', `The log holds the command ${type}, which this version does not know.`);
    }
  }
}

function bootstrap(table: RoutingTable, clusterId: string, slotCount: number): Change | undefined {
  if (table.clusterId !== '' || clusterId === '' || !isSlotCount(slotCount)) return undefined;
  const slot: SlotAssignment = { leader: null, leaderEpoch: 0, followers: [], joining: [] };
  return { clusterId, slots: Array.from({ length: slotCount }, () => slot) };
}

/**
 * An incarnation is one process at one address, so a known one has nothing new to say, and a departed one is not taken
 * back. A server that was restarted takes over the slots of the incarnation it replaces, in the same command: nothing else
 * moves, and no slot waits for the planner. Slots that have followers are left to the planner, since only a complete
 * replica may be promoted and the newcomer has yet to show that it is one.
 */
function join(table: RoutingTable, member: Member): Change | undefined {
  if (table.clusterId === '') return undefined;
  if (table.departed.some(({ incarnation }) => incarnation === member.incarnation)) return undefined;
  if (table.members.some(({ incarnation }) => incarnation === member.incarnation)) return undefined;
  const isReplaced = (other: Member): boolean => other.role === member.role && other.address === member.address;
  const replaced = table.members.filter(isReplaced).map(({ incarnation }) => incarnation);
  const members = [...table.members.filter((other) => !isReplaced(other)), member];
  if (replaced.length === 0) return { members };
  return {
    members,
    departed: [
      ...table.departed,
      ...replaced.map((incarnation) => ({ role: member.role, incarnation, cause: 'replaced' as const })),
    ],
    slots: table.slots.map((slot) =>
      slot.leader !== null && replaced.includes(slot.leader) && slot.followers.length === 0
        ? { ...slot, leader: member.incarnation, leaderEpoch: slot.leaderEpoch + 1 }
        : slot,
    ),
  };
}

/** A slot goes on naming a leader that is gone until it is assigned anew: its leaderEpoch has not changed. */
function remove(
  table: RoutingTable,
  { incarnation, cause }: Extract<MetaCommand, { type: 'remove' }>,
): Change | undefined {
  const member = table.members.find((other) => other.incarnation === incarnation);
  if (!member) return undefined;
  return {
    members: table.members.filter((other) => other !== member),
    departed: [...table.departed, { role: member.role, incarnation, cause }],
  };
}

function assign(
  table: RoutingTable,
  assignments: Extract<MetaCommand, { type: 'assign' }>['assignments'],
): Change | undefined {
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
