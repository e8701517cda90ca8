import type { Operation } from '#model';
import { type Entry, causeOf, offered } from './holdings.js';

/** What a leader is told of what is held. */
export function toOperation(entry: Entry): Operation {
  const publication = offered(entry);
  if (publication) return { op: 'publish', publication };
  const { registerId, dataInfoId, stamp } = entry;
  return { op: 'unpublish', registerId, dataInfoId, stamp, cause: causeOf(entry) };
}

export function operationOf({ operation }: { operation: Operation }): Operation {
  return operation;
}
