import type { SessionRequest } from './contract.js';

const CONNECTIONLESS: ReadonlySet<SessionRequest['kind']> = new Set<SessionRequest['kind']>([
  ...(['query', 'leasedPublish', 'renew', 'leasedUnpublish', 'announce'] as const),
]);

/** What HTTP asks for once belongs to no connection. */
export function isConnectionless({ kind }: SessionRequest): boolean {
  return CONNECTIONLESS.has(kind);
}
