import { type Failure, type Member, type RoutingTable, failure } from '#model';
import type { CommandOf, MetaState } from '../contract.js';
import { type Applied, refused, withTable } from './change.js';

/** Beyond so many, addresses at which nobody is a member are forgotten. */
const MOST_REMEMBERED = 1_000;

/**
 * Everything is to move off a data server. What drains is the address: whoever restarts there goes on holding nothing,
 * until an operator undoes it. Otherwise a server that crashes while it is drained, or is started once more after it was
 * stopped, would be filled again.
 */
export function drain(state: MetaState, { server, leaving }: CommandOf<'drain'>): Applied {
  const { table } = state;
  const member = findMember(table, server);
  if (!member) return refused(state, unknownServer(server));
  const { role, address } = member;
  if (role !== 'data') {
    const message = `${server} is a session server. It holds no slots, and can be stopped as it is.`;
    return refused(state, failure('BAD_REQUEST', message, { details: { field: 'server' } }));
  }
  const draining = table.draining ?? [];
  if (draining.includes(address)) return withTable(state, undefined);
  const others = dataServers(table).filter((other) => other.address !== address && !draining.includes(other.address));
  const needed = Math.max(1, leaving);
  if (others.length < needed) return refused(state, tooFew(server, others.length, needed));
  const kept = draining.length < MOST_REMEMBERED ? draining : draining.filter((each) => findMember(table, each));
  return withTable(state, { draining: [...kept, address] });
}

/** The server takes slots again. It may be named by its address when it is gone, too. */
export function undrain(state: MetaState, { server }: CommandOf<'undrain'>): Applied {
  const { table } = state;
  const { draining = [] } = table;
  const address = findMember(table, server)?.address ?? server;
  if (draining.includes(address)) return withTable(state, { draining: draining.filter((each) => each !== address) });
  return findMember(table, server) ? withTable(state, undefined) : refused(state, unknownServer(server));
}

/** By its incarnation or its RPC address. */
export function findMember({ members }: Pick<RoutingTable, 'members'>, server: string): Member | undefined {
  return members.find(({ incarnation, address }) => incarnation === server || address === server);
}

/** Incarnations of the data servers that are to hold nothing. */
export function drainingServers({ draining = [], members }: RoutingTable): ReadonlySet<string> {
  if (draining.length === 0) return NOBODY;
  return new Set(
    dataServers({ members }).flatMap(({ address, incarnation }) => (draining.includes(address) ? [incarnation] : [])),
  );
}

export function unknownServer(server: string): Failure {
  const message = `No member has the address or incarnation ${server}. GET /v1/members lists them.`;
  return failure('NOT_FOUND', message);
}

const NOBODY: ReadonlySet<string> = new Set();

function dataServers({ members }: Pick<RoutingTable, 'members'>): Member[] {
  return members.filter(({ role }) => role === 'data');
}

function tooFew(server: string, left: number, needed: number): Failure {
  const servers = (count: number): string => `${count} data server${count === 1 ? '' : 's'}`;
  const message =
    left === 0
      ? `${server} is the last data server that takes slots; nobody could take over what it holds.`
      : `Without ${server}, ${servers(left)} would be left for ${needed} replicas of every slot. Start another ` +
        `first, or send {"fewerReplicas": true} to go on with fewer.`;
  return failure('NOT_DRAINABLE', message, { details: { left, needed } });
}
