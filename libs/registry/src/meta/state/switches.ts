import type { Switches } from '#model';
import type { CommandOf, MetaState } from '../contract.js';
import { type Applied, changed, conflict, refused, unchanged } from './change.js';

/** Only what differs counts, so that the same switches set twice are one change, and told to members once. */
export function setSwitches(state: MetaState, command: CommandOf<'setSwitches'>): Applied {
  const { version, switches } = state.switches;
  const reason = conflict('The set of switches', command, version);
  if (reason) return refused(state, reason);
  const next: Switches = { ...switches, ...command.changes };
  if (isSame(switches, next)) return unchanged(state, version);
  return changed(state, { switches: { version: version + 1, switches: next } }, version + 1);
}

/** Switches are plain data in one form, made by `parseSwitches`; lists in another order count as another value. */
function isSame(a: Switches, b: Switches): boolean {
  return (Object.keys(b) as (keyof Switches)[]).every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]));
}
