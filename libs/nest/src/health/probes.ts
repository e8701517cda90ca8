import { type Check, missingOf } from '#model';
import type { Asked, Siblings } from '../workers/siblings.js';
import type { ServerHealth } from './server-health.js';

/** @param asked who wants to know; a server with workers tells of all or of one by it */
type Probe = (asked: Asked) => Promise<readonly Check[]>;

export interface Probes {
  startup: Probe;
  ready: Probe;
}

export function probesOf(health: ServerHealth): Probes {
  return { startup: async () => health.startup(), ready: async () => health.ready() };
}

/**
 * A server with workers has started, and is ready, as soon as one of its workers is: whoever comes to another meanwhile is
 * told to come again. So one that starts anew, or is drained by itself, takes no client away from the rest.
 */
export function probesOfAll(siblings: Siblings, own: ServerHealth): Probes {
  siblings.answer('startup', () => own.startup());
  siblings.answer('readiness', () => own.ready());
  const best =
    (about: string): Probe =>
    async (asked) => {
      const all = (await siblings.ask(about, asked)) as (readonly Check[])[];
      const nobody: readonly Check[] = [{ name: 'started', waitingFor: 'a worker to start' }];
      return all.find((checks) => missingOf(checks) === undefined) ?? all[0] ?? nobody;
    };
  return { startup: best('startup'), ready: best('readiness') };
}
