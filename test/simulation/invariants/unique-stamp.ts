import type { SessionToData, Stamp } from '#model';
import { type Cluster, type Observer, Violation } from '#sim';
import { ClientStamps } from './client-stamps.js';

/**
 * Invariant 1: one stamp is only ever sent over one client connection; no server makes a stamp for a client that has one,
 * neither for what it publishes nor to clean up after it.
 */
export function uniqueStamp(cluster: Cluster): Observer {
  const stamps = new ClientStamps(cluster, (registerId, first, second) => {
    const where = `over connections ${first.connection} and ${second.connection}`;
    throw new Violation('invariant 1', `a stamp of ${registerId} was sent ${where}`);
  });

  const check = (from: string, registerId: string, stamp: Stamp | null): void => {
    if (!stamps.has(registerId) || (stamp && stamps.of(registerId, stamp))) return;
    const what = stamp ? `the stamp ${stamp.join('.')}` : 'no stamp';
    throw new Violation('invariant 1', `${from} sends ${what} for ${registerId}, which its client never made`);
  };

  return {
    transit: (transit) => {
      stamps.note(transit);
      const { from } = transit;
      const told = transit.message as SessionToData;
      if (told.kind === 'operations' || told.kind === 'reconcile')
        for (const operation of told.operations) {
          const { registerId, stamp } = operation.op === 'publish' ? operation.publication : operation;
          check(from, registerId, stamp);
        }
      if (told.kind === 'digest')
        for (const { registerId, stamp } of [...told.entries, ...told.removals]) check(from, registerId, stamp);
    },
  };
}
