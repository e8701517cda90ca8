import type { CommandOf, MetaState } from '../contract.js';
import { type Applied, changed, conflict, refused, unchanged } from './change.js';

/** Operators pause what is moved for balance, and have it go on. */
export function setRebalance(state: MetaState, command: CommandOf<'setRebalance'>): Applied {
  const { version, paused } = state.rebalance;
  const reason = conflict('Rebalancing', command, version);
  if (reason) return refused(state, reason);
  if (command.paused === paused) return unchanged(state, version);
  return changed(state, { rebalance: { version: version + 1, paused: command.paused } }, version + 1);
}
