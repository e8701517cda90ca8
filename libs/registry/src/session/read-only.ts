import { type Failure, type Publication, failure } from '#model';
import { looksSame } from './datum-cache.js';
import { READ_ONLY_RETRY_MS } from './limits.js';

/** What a publish says that decides whether it says anything new. */
export interface Said extends Pick<Publication, 'zone' | 'appName' | 'registerTimestamp' | 'body'> {
  /** The client says that a server has acknowledged just this before. */
  replay: boolean;
}

/**
 * Read-only freezes what clients *say*, not who lives. So it takes neither new publications nor changes nor removals; but
 * it takes what has been said before, or a client that comes back over another connection would lose, with the grace of
 * the lost one, what it had published. That a publish repeats is known from what is held here, or from the client, which
 * alone knows what any other server has acknowledged; the switch keeps order and is no defence. And whoever is gone is
 * gone: the goodbye of a client, the end of a grace or of a lease, and the death of a server remove as ever, since keeping
 * the dead in everybody's list would be a change of its own.
 */
export function repeats(said: Said, held: Publication | undefined): boolean {
  if (said.replay) return true;
  if (!held) return false;
  const registerTimestamp = said.registerTimestamp || held.registerTimestamp;
  const { zone, appName, body } = said;
  return looksSame({ ...held, zone, appName, body, registerTimestamp }, held);
}

export function readOnly(): Failure {
  return failure('READ_ONLY', undefined, { retryAfterMs: READ_ONLY_RETRY_MS });
}
