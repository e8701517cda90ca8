import type { ReadReadiness, Readiness } from '../health/health.module.js';
import type { Siblings } from './siblings.js';

const READINESS = 'readiness';

/**
 * A server is ready as soon as one of its workers is: whoever comes to another meanwhile is told to come again. So one that
 * starts anew, or is drained by itself, takes no client away from the rest.
 */
export function readinessOfAll(siblings: Siblings, own: () => Readiness): ReadReadiness {
  siblings.answer(READINESS, own);
  return async (asked) => {
    const all = (await siblings.ask(READINESS, asked)) as Readiness[];
    return all.find(({ ready }) => ready) ?? all[0] ?? { ready: false, waitingFor: 'a worker' };
  };
}
