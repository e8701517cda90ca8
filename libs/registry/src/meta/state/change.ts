import type { RoutingTable } from '#model';

/** The fields of the table that a command replaces; undefined when it changes nothing. */
export type TableChange = Partial<Omit<RoutingTable, 'epoch'>> | undefined;
