import type { ClientOperation } from '#model';
import { type ClientMessage, type Observer, Violation } from '#sim';

/** Invariant 1: one stamp is only ever sent over one client connection. */
export function uniqueStamp(): Observer {
  const sentOver = new Map<string, number>();
  return {
    transit: ({ from, connection, message }) => {
      const { pattern, payload } = message as Partial<ClientMessage>;
      if (pattern !== 'registry.apply') return;
      for (const operation of (payload as { operations: ClientOperation[] }).operations) {
        if (!operation.stamp) continue;
        const key = `${operation.registerId} ${operation.stamp.join('.')}`;
        const other = sentOver.get(key);
        if (other !== undefined && other !== connection)
          throw new Violation('invariant 1', `${from} sent ${key} over connections ${other} and ${connection}`);
        sentOver.set(key, connection);
      }
    },
  };
}
