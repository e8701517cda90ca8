import { type Failure, type RoutingTable, failure } from '#model';
import type { MetaResult, MetaState } from '../contract.js';

/** The fields of the table that a command replaces; undefined when it changes nothing. */
export type TableChange = Partial<Omit<RoutingTable, 'epoch'>> | undefined;

export interface Applied {
  state: MetaState;
  result: MetaResult;
}

/** The state with the table changed. */
export function withTable(state: MetaState, change: TableChange): Applied {
  const { epoch } = state.table;
  if (!change) return { state, result: { changed: false, epoch } };
  const table = { ...state.table, ...change, epoch: epoch + 1 };
  return { state: { ...state, table }, result: { changed: true, epoch: table.epoch } };
}

/** The state with other fields. What the table does not show leaves its epoch alone. */
export function changed(state: MetaState, fields: Partial<MetaState>, version: number): Applied {
  return { state: { ...state, ...fields }, result: { changed: true, epoch: state.table.epoch, version } };
}

export function unchanged(state: MetaState, version: number): Applied {
  return { state, result: { changed: false, epoch: state.table.epoch, version } };
}

export function refused(state: MetaState, reason: Failure): Applied {
  return { state, result: { changed: false, epoch: state.table.epoch, failure: reason } };
}

/** Why a command that names the version it expects does not apply; undefined when it does. */
export function conflict(
  what: string,
  { expectedVersion }: { expectedVersion?: number },
  version: number,
): Failure | undefined {
  if (expectedVersion === undefined || expectedVersion === version) return undefined;
  const is = version === 0 ? 'is not set' : `is at version ${version}`;
  const message = `${what} ${is}, and version ${expectedVersion} was expected.`;
  return failure('VERSION_CONFLICT', message, { details: { version } });
}
