import { LIMITS, RegistryError, utf8Bytes } from '#model';
import type { CommandOf, MetaResult, MetaState } from '../contract.js';
import { readCount, readFields, readKey, refuse } from './input.js';
import { type SwitchReader, readSwitches } from './switches.js';

/** What an operator may change of the replicated state. */
export type StateChange = CommandOf<'setSwitches' | 'setConfig' | 'deleteConfig'>;

/** Once it is committed. */
export interface StateChanged {
  /** Of what it was about. */
  version: number;
  /** False where everything stood so already. */
  changed: boolean;
}

/**
 * Reads a change in the form in which it travels, which is that of the command; whoever hands it on and whoever performs
 * it check alike.
 * @throws RegistryError BAD_REQUEST, INVALID_NAME, CONFIG_TOO_LARGE
 */
export function readChange(value: unknown, lent: SwitchReader): StateChange {
  const fields = readFields(value, 'The change', ['type', 'changes', 'key', 'value', 'expectedVersion']);
  const { type, expectedVersion } = fields;
  const expected =
    expectedVersion === undefined ? {} : { expectedVersion: readCount('expectedVersion', expectedVersion) };
  switch (type) {
    case 'setSwitches':
      return { type, changes: readSwitches(fields['changes'], lent), ...expected };
    case 'setConfig':
      return { type, key: readKey(fields['key']), value: readValue(fields['value']), ...expected };
    case 'deleteConfig':
      return { type, key: readKey(fields['key']), ...expected };
    default:
      return refuse('The type is none of setSwitches, setConfig, deleteConfig.', 'type');
  }
}

/** The body of `PUT /v1/config/{key}`. */
export function readConfigBody(body: unknown): string {
  const advice = ' An expectedVersion belongs into the query.';
  return readValue(readFields(body, 'The body', ['value'], advice)['value']);
}

/** Of the query string of a change. */
export function readExpectedVersion(query: unknown): { expectedVersion?: number } {
  const { expectedVersion } = readFields(query, 'The query', ['expectedVersion']);
  return expectedVersion === undefined ? {} : { expectedVersion: readCount('expectedVersion', expectedVersion) };
}

/** @throws RegistryError with what the state machine refused: VERSION_CONFLICT, CONFIG_TOO_LARGE */
export function stateChanged({ changed, version = 0, failure }: MetaResult): StateChanged {
  if (failure) throw RegistryError.from(failure);
  return { version, changed };
}

/** @throws RegistryError NOT_READY */
export function requireCluster(state: MetaState): void {
  if (state.table.clusterId === '') throw new RegistryError('NOT_READY', 'The cluster has not been created yet.');
}

function readValue(value: unknown): string {
  if (typeof value !== 'string') refuse('value must be a string.', 'value');
  const bytes = utf8Bytes(value);
  if (bytes <= LIMITS.configValueBytes) return value;
  const message = `value has ${bytes} bytes; at most ${LIMITS.configValueBytes} are allowed.`;
  throw new RegistryError('CONFIG_TOO_LARGE', message, { details: { field: 'value' } });
}
