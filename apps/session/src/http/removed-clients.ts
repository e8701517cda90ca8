import type { Member } from '#model';
import type { KnownClient, RemovalItem, SessionCore } from '#registry';
import { askPeers } from './ask-peers.js';

/**
 * The addresses of the clients whose publications have disappeared. Only their session servers know them, for as long as they live
 * and for some thousand clients after; who does not answer in time leaves them unknown.
 */
export async function withClients(
  core: SessionCore,
  items: readonly RemovalItem[],
  requestId: string | undefined,
): Promise<(RemovalItem & { client: string | null })[]> {
  const bySession = new Map<string, Set<number>>();
  for (const { session, connection } of items) {
    if (!session || connection === null) continue;
    let connections = bySession.get(session.incarnation);
    if (!connections) bySession.set(session.incarnation, (connections = new Set()));
    connections.add(connection);
  }
  const known = new Map<string, string>();
  const note = (incarnation: string, clients: readonly KnownClient[]): void => {
    for (const { connection, address } of clients) known.set(`${incarnation} ${connection}`, address);
  };
  const own = bySession.get(core.incarnation);
  if (own) note(core.incarnation, core.lists.clients([...own]));
  await Promise.all(
    (core.table?.members ?? []).map(async (member) => {
      const connections = member.incarnation === core.incarnation ? undefined : bySession.get(member.incarnation);
      if (connections) note(member.incarnation, await clientsOf(member, [...connections], requestId));
    }),
  );
  return items.map((item) => {
    const address = known.get(`${item.session?.incarnation ?? ''} ${item.connection ?? ''}`);
    return { ...item, client: address ?? null };
  });
}

async function clientsOf(
  member: Member,
  connections: readonly number[],
  requestId: string | undefined,
): Promise<readonly KnownClient[]> {
  const path = `/v1/clients?session=${member.incarnation}&connections=${connections.join(',')}`;
  const [answer] = await askPeers<{ clients?: KnownClient[] }>([member], path, requestId);
  return answer?.report?.clients ?? [];
}
