import { type Failure, LIMITS, failure, utf8Bytes } from '#model';
import type { CommandOf, ConfigValue, MetaState } from '../contract.js';
import { type Applied, changed, conflict, refused, unchanged } from './change.js';

export function findConfig({ config }: MetaState, key: string): ConfigValue | undefined {
  return config.values.find((each) => each.key === key);
}

/** A value set to what it is already has not changed: nobody is to be told of it. */
export function setConfig(state: MetaState, command: CommandOf<'setConfig'>): Applied {
  const { key, value } = command;
  const { values } = state.config;
  const held = findConfig(state, key);
  const bytes = state.config.bytes + utf8Bytes(value) - (held ? utf8Bytes(held.value) : 0);
  const count = held ? values.length : values.length + 1;
  const reason = conflict(`The value of ${key}`, command, held?.version ?? 0) ?? excess(count, bytes);
  if (reason) return refused(state, reason);
  if (held?.value === value) return unchanged(state, held.version);
  const version = state.config.version + 1;
  const before = values.filter((each) => each.key < key);
  const after = values.filter((each) => each.key > key);
  const config = { version, bytes, values: [...before, { key, value, version }, ...after] };
  return changed(state, { config }, version);
}

/** The version of the deletion is one of its own, so that whoever sets the key anew does so at a higher one. */
export function deleteConfig(state: MetaState, command: CommandOf<'deleteConfig'>): Applied {
  const { config } = state;
  const held = findConfig(state, command.key);
  const reason = conflict(`The value of ${command.key}`, command, held?.version ?? 0);
  if (reason) return refused(state, reason);
  if (!held) return unchanged(state, config.version);
  const version = config.version + 1;
  const values = config.values.filter((each) => each !== held);
  return changed(state, { config: { version, bytes: config.bytes - utf8Bytes(held.value), values } }, version);
}

function excess(count: number, bytes: number): Failure | undefined {
  const { configKeys, configBytes } = LIMITS;
  if (count > configKeys)
    return failure('CONFIG_TOO_LARGE', `There are ${configKeys} configuration values; no more are taken.`);
  if (bytes <= configBytes) return undefined;
  const message = `All configuration values together would have ${bytes} bytes; at most ${configBytes} are allowed.`;
  return failure('CONFIG_TOO_LARGE', message);
}
