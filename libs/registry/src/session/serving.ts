import type { Failure } from '#model';
import type { Announcements } from './announcements.js';
import type { ConfigWatches } from './config-watches.js';
import type { ConnectionId } from './contract.js';
import type { SessionKeys } from './keys/keyspace.js';
import type { Leases } from './leases.js';
import type { Persistents } from './persistents.js';
import type { Reads } from './reads.js';
import type { ServedRequest } from './request-kinds.js';
import type { Pending } from './requests.js';
import type { Writes } from './writes.js';

/** The parts of a session server that answer clients. */
export interface Serving {
  writes: Writes;
  leases: Leases;
  persistents: Persistents;
  announcements: Announcements;
  reads: Reads;
  configWatches: ConfigWatches;
  keys: SessionKeys;
}

/** Hands a request to the part that answers it. `wallMs` serves stamps made here. */
export function serve(
  { writes, leases, persistents, announcements, reads, configWatches, keys }: Serving,
  connection: ConnectionId,
  pending: Pending,
  wallMs: number,
  request: ServedRequest,
): void {
  switch (request.kind) {
    case 'apply':
      return writes.apply(connection, pending, wallMs, request.operations);
    case 'leasedPublish':
      return leases.publish(pending, wallMs, request);
    case 'announce':
      return announcements.publish(connection, pending, wallMs, request.publication);
    case 'renew':
      return leases.renew(pending, request.registerId, request.dataInfoId);
    case 'leasedUnpublish':
      return leases.unpublish(pending, request.registerId, request.dataInfoId);
    case 'persistentPublish':
      return persistents.publish(pending, wallMs, request);
    case 'persistentUnpublish':
      return persistents.unpublish(pending, request.registerId, request.dataInfoId);
    case 'query':
      return reads.query(pending, request);
    case 'subscribe':
      return reads.subscribe(connection, pending, request);
    case 'unsubscribe': {
      // Both kinds are named alike.
      const { subscriptionId } = request;
      const isNoWatch = configWatches.unwatch(connection, subscriptionId) !== undefined;
      return answer(pending, isNoWatch ? reads.unsubscribe(connection, subscriptionId) : undefined);
    }
    case 'watch':
      return configWatches.watch(connection, pending, request);
    case 'ack':
      return answer(pending, reads.ack(connection, request.subscriptionId, request.version, request.refused));
    case 'keys':
      return keys.call(request.call, (reply) => pending.reply({ kind: 'keys', reply }));
    case 'goodbye':
      writes.removeOwned(connection, 'goodbye');
      return answer(pending, undefined);
  }
}

function answer(pending: Pending, problem: Failure | undefined): void {
  if (problem) pending.fail(problem);
  else pending.reply({ kind: 'done' });
}
