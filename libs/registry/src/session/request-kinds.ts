import type { SessionRequest } from './contract.js';

/** What is asked of a server that serves, once the connection has been dealt with. */
export type ServedRequest = Exclude<SessionRequest, { kind: 'hello' | 'heartbeat' }>;

const OF_CLIENTS: ReadonlySet<SessionRequest['kind']> = new Set<SessionRequest['kind']>([
  'hello',
  'apply',
  'subscribe',
  'watch',
]);

/** It makes the connection one of a client, which costs the server something for as long as it lives. */
export function isOfClient({ kind }: SessionRequest): boolean {
  return OF_CLIENTS.has(kind);
}

const CONNECTIONLESS: ReadonlySet<SessionRequest['kind']> = new Set<SessionRequest['kind']>([
  ...(['query', 'leasedPublish', 'renew', 'leasedUnpublish', 'announce', 'keys'] as const),
]);

/** What HTTP asks for once belongs to no connection. */
export function isConnectionless({ kind }: SessionRequest): boolean {
  return CONNECTIONLESS.has(kind);
}
