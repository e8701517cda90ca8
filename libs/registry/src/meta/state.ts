import { RegistryError, type RoutingTable } from '#model';
import type { MetaCommand, MetaResult, MetaState } from './contract.js';
import { bootstrap } from './state/bootstrap.js';
import type { TableChange } from './state/change.js';
import { forget, join, remove } from './state/members.js';
import { assign } from './state/slots.js';

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

function changeOf(table: RoutingTable, command: MetaCommand): TableChange {
  switch (command.type) {
    case 'bootstrap':
      return bootstrap(table, command);
    case 'join':
      return join(table, command);
    case 'remove':
      return remove(table, command);
    case 'forget':
      return forget(table, command);
    case 'assign':
      return assign(table, command);
    default: {
      const { type } = command as { type: string };
      throw new RegistryError('INTERNAL', `The log holds the command ${type}, which this version does not know.`);
    }
  }
}
