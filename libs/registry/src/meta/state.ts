import { DEFAULT_SWITCHES, FEATURE_LEVEL } from '#model';
import type { CommandOf, MetaCommand, MetaState } from './contract.js';
import { bootstrap } from './state/bootstrap.js';
import { type Applied, type TableChange, withTable } from './state/change.js';
import { deleteConfig, setConfig } from './state/config.js';
import { drain, undrain } from './state/drain.js';
import { gathered } from './state/eras.js';
import { checkFeatureLevel, raiseFeatureLevel, unknownCommand } from './state/features.js';
import { forget, join, remove } from './state/members.js';
import { confirmLoss } from './state/protection.js';
import { setRebalance } from './state/rebalance.js';
import { abandonSlot, place } from './state/slots.js';
import { setSwitches } from './state/switches.js';

export interface MetaStateMachine {
  initial(): MetaState;
  /**
   * @throws RegistryError UNSUPPORTED_LEVEL for a command that this version does not know, or that makes the cluster use
   * what it does not support. Skipping it would let this node's state drift away from the others', so the node must end.
   */
  apply(state: MetaState, command: MetaCommand): Applied;
  /**
   * A state that was saved, perhaps by an older version, as this one holds it.
   * @throws RegistryError UNSUPPORTED_LEVEL when a newer version saved it
   */
  restore(saved: Partial<MetaState>): MetaState;
}

/**
 * The replicated state machine of meta: pure, so that every node that applies the same log holds the same state. Every
 * command is conditional on what it replaces (invariant 7), so a late or repeated one changes nothing. The epoch of the
 * table rises by one with each command that changes anything of it. What did not change is shared with the previous
 * state.
 * @param supported the highest feature level of this node; it decides only whether the node goes on
 */
export function createMetaStateMachine(supported: number = FEATURE_LEVEL): MetaStateMachine {
  const initial = (): MetaState => ({
    table: { clusterId: '', epoch: 0, slots: [], members: [], departed: [] },
    switches: { version: 0, switches: DEFAULT_SWITCHES },
    config: { version: 0, bytes: 0, values: [] },
    rebalance: { version: 0, paused: false },
    featureLevel: 1,
  });
  return {
    initial,
    apply(state, command) {
      switch (command.type) {
        case 'setSwitches':
          return setSwitches(state, command);
        case 'setConfig':
          return setConfig(state, command);
        case 'deleteConfig':
          return deleteConfig(state, command);
        case 'drain':
          return drain(state, command);
        case 'undrain':
          return undrain(state, command);
        case 'setRebalance':
          return setRebalance(state, command);
        case 'raiseFeatureLevel':
          return raiseFeatureLevel(state, command, supported);
        case 'gathered':
          return gathered(state);
        default:
          return withTable(state, tableChange(state, command, supported));
      }
    },
    restore(saved) {
      const state = { ...initial(), ...saved };
      checkFeatureLevel(state.featureLevel, supported);
      const { version, switches } = state.switches;
      return { ...state, switches: { version, switches: { ...DEFAULT_SWITCHES, ...switches } } };
    },
  };
}

/** That of this version. */
export const metaStateMachine = createMetaStateMachine();

type OfTable = CommandOf<'bootstrap' | 'join' | 'remove' | 'forget' | 'confirmLoss' | 'place' | 'abandonSlot'>;

function tableChange({ table, featureLevel }: MetaState, command: OfTable, supported: number): TableChange {
  switch (command.type) {
    case 'bootstrap':
      return bootstrap(table, command);
    case 'join':
      return join(table, command, featureLevel);
    case 'remove':
      return remove(table, command);
    case 'forget':
      return forget(table, command);
    case 'confirmLoss':
      return confirmLoss(table, command);
    case 'place':
      return place(table, command);
    case 'abandonSlot':
      return abandonSlot(table, command);
    default:
      throw unknownCommand((command as { type: string }).type, supported);
  }
}
