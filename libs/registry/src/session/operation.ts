import type { Operation } from '#model';
import type { Entry } from './holdings.js';

/** What a leader is told of what is held. */
export function toOperation(entry: Entry): Operation {
  if (entry.publication) return { op: 'publish', publication: entry.publication };
  const { registerId, dataInfoId, stamp } = entry;
  return { op: 'unpublish', registerId, dataInfoId, stamp, cause: entry.cause! };
}

export function operationOf({ operation }: { operation: Operation }): Operation {
  return operation;
}
