import { type Failure, LIMITS, RegistryError, checkName } from '#model';
import type { NameFilter } from './names-filter.js';
import { type Place, parseCursor } from './place.js';

/** One page is asked for. */
export interface ListQuery {
  limit: number;
  /** Behind it the page begins. */
  after: Place | undefined;
  filter: ListFilter;
  /** Of the asked server alone, and of no other. */
  isLocal: boolean;
}

export interface ListFilter extends NameFilter {
  registerId?: string;
  appName?: string;
  address?: string;
  zone?: string;
  /** The number of one. */
  connection?: string;
  cause?: string;
}

export type FilterName = keyof ListFilter;

export const LIST_LIMITS = { usual: 100, most: 1_000 } as const;

const CURSOR_LENGTH = 16 * 1024;

/**
 * Of a query string.
 * @param list its name, which cursors carry, so that none is taken for one of another list
 * @throws RegistryError BAD_REQUEST, INVALID_NAME; also for what means nothing, since a misspelt filter would list everything
 */
export function readListQuery(
  list: string,
  query: unknown,
  filters: readonly FilterName[],
  limits: { usual: number; most: number } = LIST_LIMITS,
): ListQuery {
  const { limit, after, local, ...rest } = (query ?? {}) as Record<string, unknown>;
  const filter: ListFilter = {};
  for (const [field, value] of Object.entries(rest)) {
    if (!filters.includes(field as FilterName))
      refuse(`There is no ${field} here; there are limit, after, local, ${filters.join(', ')}.`, field);
    check(checkName(field, value, field === 'registerId' ? LIMITS.registerIdBytes : undefined));
    filter[field as FilterName] = value as string;
  }
  if (local !== undefined && local !== 'true' && local !== 'false') refuse('local must be true or false.', 'local');
  return { limit: readLimit(limit, limits), after: readAfter(list, after), filter, isLocal: local === 'true' };
}

/** Which connections of which session server; asked by other servers. @throws RegistryError BAD_REQUEST */
export function readClientsQuery(query: unknown): { session: string; connections: number[] } {
  const { session, connections } = (query ?? {}) as Record<string, unknown>;
  if (typeof session !== 'string') refuse('session must be the incarnation of a session server.', 'session');
  const numbers =
    typeof connections === 'string' && /^\d{1,15}(,\d{1,15})*$/.test(connections) ? connections.split(',') : [];
  if (numbers.length === 0 || numbers.length > LIST_LIMITS.most)
    refuse(`connections must be from 1 to ${LIST_LIMITS.most} numbers, with commas.`, 'connections');
  return { session, connections: numbers.map(Number) };
}

export function readLimit(limit: unknown, { usual, most }: { usual: number; most: number }): number {
  if (limit === undefined) return usual;
  const count = typeof limit === 'string' && /^\d{1,16}$/.test(limit) ? Number(limit) : limit;
  if (!Number.isSafeInteger(count) || (count as number) < 1)
    refuse('limit must be a whole number of at least 1.', 'limit');
  if ((count as number) > most) refuse(`limit is ${String(count)}; a page has at most ${most}.`, 'limit');
  return count as number;
}

export function readAfter(list: string, after: unknown): Place | undefined {
  if (after === undefined) return undefined;
  const isText = typeof after === 'string' && after.length <= CURSOR_LENGTH;
  return (isText ? parseCursor(list, after) : undefined) ?? refuse('after is not a cursor of this list.', 'after');
}

function refuse(message: string, field: string): never {
  throw new RegistryError('BAD_REQUEST', message, { details: { field } });
}

function check(problem: Failure | undefined): void {
  if (problem) throw RegistryError.from(problem);
}
