import { LIMITS, type Member, RegistryError, utf8Bytes } from '#model';
import type { CommandOf, MetaResult, MetaState } from '../contract.js';
import { readCount, readFields, readFlag, readKey, readServer, refuse } from './input.js';
import { type SwitchReader, readSwitches, requireSwitchLevel } from './switches.js';

/** What an operator may change of the replicated state. */
export type StateChange = CommandOf<
  'setSwitches' | 'setConfig' | 'deleteConfig' | 'confirmLoss' | 'drain' | 'undrain' | 'setRebalance' | 'abandonSlot'
>;

const FIELDS = [
  ...['type', 'changes', 'key', 'value', 'expectedVersion', 'epoch', 'role'],
  ...['server', 'leaving', 'paused', 'slot', 'leaderEpoch'],
];

/** Once it is committed. */
export interface StateChanged {
  /** Of what it was about; of the table its epoch. */
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
  const fields = readFields(value, 'The change', FIELDS);
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
    case 'confirmLoss':
      return { type, epoch: readCount('epoch', fields['epoch']), ...readRole(fields['role']) };
    case 'drain':
      return { type, server: readServer(fields['server']), leaving: readCount('leaving', fields['leaving']) };
    case 'undrain':
      return { type, server: readServer(fields['server']) };
    case 'abandonSlot':
      return {
        type,
        slot: readCount('slot', fields['slot']),
        leaderEpoch: readCount('leaderEpoch', fields['leaderEpoch']),
      };
    case 'setRebalance':
      return { type, paused: readFlag('paused', fields['paused']), ...expected };
    default:
      return refuse('The type is of none that is known.', 'type');
  }
}

/** The body of `PUT /v1/config/{key}`. */
export function readConfigBody(body: unknown): string {
  const advice = ' An expectedVersion belongs into the query.';
  return readValue(readFields(body, 'The body', ['value'], advice)['value']);
}

/** The body of `POST /v1/protection/confirm`: of which role the loss is confirmed, where it is not that of both. */
export function readConfirmBody(body: unknown): { role?: Member['role'] } {
  return body === undefined || body === null ? {} : readRole(readFields(body, 'The body', ['role'])['role']);
}

/** The body of `POST /v1/members/{id}/drain`: whether slots may be left with fewer replicas than are configured. */
export function readDrainBody(body: unknown): { fewerReplicas: boolean } {
  if (body === undefined || body === null) return { fewerReplicas: false };
  const { fewerReplicas = false } = readFields(body, 'The body', ['fewerReplicas']);
  return { fewerReplicas: readFlag('fewerReplicas', fewerReplicas) };
}

/** The body of `POST /v1/slots/{slot}/abandon`: the leaderEpoch at which the slot was seen to wait. */
export function readAbandonBody(slot: string, body: unknown): CommandOf<'abandonSlot'> {
  const { leaderEpoch } = readFields(body, 'The body', ['leaderEpoch']);
  return { type: 'abandonSlot', slot: readCount('slot', slot), leaderEpoch: readCount('leaderEpoch', leaderEpoch) };
}

/** Of the query string of a change. */
export function readExpectedVersion(query: unknown): { expectedVersion?: number } {
  const { expectedVersion } = readFields(query, 'The query', ['expectedVersion']);
  return expectedVersion === undefined ? {} : { expectedVersion: readCount('expectedVersion', expectedVersion) };
}

/** @throws RegistryError with what the state machine refused: VERSION_CONFLICT, CONFIG_TOO_LARGE */
export function stateChanged({ changed, epoch, version = epoch, failure }: MetaResult): StateChanged {
  if (failure) throw RegistryError.from(failure);
  return { version, changed };
}

/** What must be so for a change to be proposed. @throws RegistryError NOT_READY, UNSUPPORTED_LEVEL */
export function requireChangeable(state: MetaState, change: StateChange): void {
  requireCluster(state);
  if (change.type === 'setSwitches') requireSwitchLevel(state, change.changes);
}

/** @throws RegistryError NOT_READY */
export function requireCluster(state: MetaState): void {
  if (state.table.clusterId === '') throw new RegistryError('NOT_READY', 'The cluster has not been created yet.');
}

function readRole(role: unknown): { role?: Member['role'] } {
  if (role === undefined) return {};
  if (role !== 'data' && role !== 'session') return refuse('role must be data or session.', 'role');
  return { role };
}

function readValue(value: unknown): string {
  if (typeof value !== 'string') refuse('value must be a string.', 'value');
  const bytes = utf8Bytes(value);
  if (bytes <= LIMITS.configValueBytes) return value;
  const message = `value has ${bytes} bytes; at most ${LIMITS.configValueBytes} are allowed.`;
  throw new RegistryError('CONFIG_TOO_LARGE', message, { details: { field: 'value' } });
}
