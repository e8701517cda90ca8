import { RegistryError, featureLevelOf } from '#model';
import type { CommandOf, MetaState } from '../contract.js';
import { type Applied, changed, unchanged } from './change.js';

/**
 * The members are part of the state, so that one which joins while the command is on its way counts on every node alike.
 * @throws RegistryError UNSUPPORTED_LEVEL when the cluster rises above what this node supports
 */
export function raiseFeatureLevel(
  state: MetaState,
  { level }: CommandOf<'raiseFeatureLevel'>,
  supported: number,
): Applied {
  const { featureLevel, table } = state;
  const isNext = level === featureLevel + 1 && table.members.every((member) => featureLevelOf(member) >= level);
  if (!isNext) return unchanged(state, featureLevel);
  checkFeatureLevel(level, supported);
  return changed(state, { featureLevel: level }, level);
}

/** @throws RegistryError UNSUPPORTED_LEVEL */
export function checkFeatureLevel(level: number, supported: number): void {
  if (level <= supported) return;
  throw unsupported(
    `The cluster is at feature level ${level}, and this version supports levels up to ${supported}.`,
    level,
    supported,
  );
}

/** A command that stands in the log and means nothing here was written by a newer version. */
export function unknownCommand(type: string, supported: number): RegistryError {
  const message = `The log holds the command ${type}, which this version, with feature levels up to ${supported}, does not know.`;
  return unsupported(message, supported + 1, supported);
}

function unsupported(message: string, needed: number, supported: number): RegistryError {
  const advice = `Start a version of Rollcall that supports feature level ${needed} here.`;
  return new RegistryError('UNSUPPORTED_LEVEL', `${message} ${advice}`, { details: { needed, supported } });
}
