import type { RoutingTable } from '#model';

/** Slots in which the table names a server. */
export interface Holdings {
  leads: number;
  follows: number;
  joins: number;
}

export function holdingsOf({ slots }: Pick<RoutingTable, 'slots'>, incarnation: string): Holdings {
  return {
    leads: slots.filter(({ leader }) => leader === incarnation).length,
    follows: slots.filter(({ followers }) => followers.includes(incarnation)).length,
    joins: slots.filter(({ joining }) => joining.includes(incarnation)).length,
  };
}

/** Whether the server may stop without any slot missing it: the committed table does not name it. */
export function isDrained(table: Pick<RoutingTable, 'slots'>, incarnation: string): boolean {
  const { leads, follows, joins } = holdingsOf(table, incarnation);
  return leads + follows + joins === 0;
}
