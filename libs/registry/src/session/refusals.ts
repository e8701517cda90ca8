import { type DataInfoId, type Failure, failure } from '#model';
import type { SessionContext } from './context.js';
import { readOnly } from './read-only.js';

/**
 * Why nothing new is published under a name just now; undefined where it is. What repeats is taken all the same, or the
 * publications of a client would leave with its connection; of a blacklisted name they are held, and shown to nobody.
 */
export function refusalOf({ switches, namesOff }: SessionContext, dataInfoId: DataInfoId): Failure | undefined {
  if (switches.readOnly) return readOnly();
  return namesOff.isBlacklisted(dataInfoId) ? failure('BLACKLISTED') : undefined;
}
