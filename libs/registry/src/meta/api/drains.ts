import { RegistryError, type RoutingTable } from '#model';
import { type Holdings, holdingsOf } from '#sharding';
import { findMember, unknownServer } from '../state/drain.js';

/** How far the drain of a data server is. */
export interface Drain {
  address: string;
  /** Of the member at the address; null while there is none. */
  incarnation: string | null;
  draining: boolean;
  /** Slots that are still to leave it, by what it is to them. */
  left: Holdings;
  /** No slot would miss it, and none will be given to it. */
  safeToStop: boolean;
}

/** Of the data servers that operators drain. */
export function drainsOf(table: RoutingTable): Drain[] {
  return (table.draining ?? []).map((address) => drainAt(table, address));
}

/** Of one server, by its address or incarnation. @throws RegistryError NOT_FOUND */
export function drainOf(table: RoutingTable, server: string): Drain {
  const member = findMember(table, server);
  const isKnown = member?.role === 'data' || table.draining?.includes(server);
  if (!isKnown) throw RegistryError.from(unknownServer(server));
  return drainAt(table, member?.address ?? server);
}

function drainAt(table: RoutingTable, address: string): Drain {
  const incarnation = findMember(table, address)?.incarnation ?? null;
  const left = holdingsOf(table, incarnation ?? '');
  const draining = table.draining?.includes(address) ?? false;
  return { address, incarnation, draining, left, safeToStop: draining && left.leads + left.follows + left.joins === 0 };
}
