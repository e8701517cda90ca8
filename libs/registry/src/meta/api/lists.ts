import { type Member, type RoutingTable, utf8Bytes } from '#model';
import { Nearest } from '../../listing/nearest.js';
import { type Place, comparePlaces, formatCursor } from '../../listing/place.js';
import { readAfter, readLimit } from '../../listing/query.js';
import type { MetaState } from '../contract.js';
import type { Planning } from '../planning.js';
import { drainsOf } from './drains.js';
import { readFields, readKey, readServer, refuse } from './input.js';

/**
 * A list of the replicated state, or a page of it. It is as long as the cluster is large and no longer, so all of it is one page
 * unless less is asked for.
 */
export type StateListQuery =
  | ({ of: 'members'; role?: Member['role'] } & Paging)
  | ({ of: 'slots'; server?: string } & Paging)
  | ({ of: 'configKeys'; prefix?: string } & Paging);

interface Paging {
  limit?: number;
  after?: string;
}

const FILTERS: Record<StateListQuery['of'], readonly string[]> = {
  members: ['role'],
  slots: ['server'],
  configKeys: ['prefix'],
};

/** As many as there can be slots. */
const LIMITS = { usual: 16_384, most: 16_384 };

export function isStateList(of: unknown): of is StateListQuery['of'] {
  return typeof of === 'string' && Object.hasOwn(FILTERS, of);
}

/** @throws RegistryError BAD_REQUEST, INVALID_NAME */
export function readStateList(of: StateListQuery['of'], value: unknown): StateListQuery {
  const fields = readFields(value, 'The query', ['limit', 'after', ...FILTERS[of]]);
  const { limit, after, role, server, prefix } = fields;
  readAfter(of, after);
  if (role !== undefined && role !== 'data' && role !== 'session') refuse('role must be data or session.', 'role');
  return {
    of,
    ...(limit === undefined ? {} : { limit: readLimit(limit, LIMITS) }),
    ...(after === undefined ? {} : { after }),
    ...(role === undefined ? {} : { role }),
    ...(server === undefined ? {} : { server: readServer(server) }),
    ...(prefix === undefined ? {} : { prefix: readKey(prefix) }),
  } as StateListQuery;
}

export function answerList(query: StateListQuery, state: MetaState, { replicas }: Pick<Planning, 'replicas'>): object {
  const { table } = state;
  const { clusterId, epoch } = table;
  switch (query.of) {
    case 'members': {
      const { departed, protections = [] } = table;
      const all = table.members.filter(({ role }) => (query.role ?? role) === role);
      const { items, next } = pageOf(query, all, ({ role, address, incarnation }) => [0, role, address, incarnation]);
      const { featureLevel } = state;
      return {
        clusterId,
        epoch,
        featureLevel,
        members: items,
        departed,
        protections,
        drains: drainsOf(table),
        ...next,
      };
    }
    case 'slots': {
      const { items, next } = pageOf(query, slotsOf(table, query.server), ({ slot }) => [slot]);
      return { clusterId, epoch, replicas, slots: items, ...next };
    }
    case 'configKeys': {
      const { version, bytes, values } = state.config;
      const all = values.filter(({ key }) => key.startsWith(query.prefix ?? ''));
      const { items, next } = pageOf(query, all, ({ key }) => [0, key]);
      const listed = items.map(({ key, value, version: of }) => ({ key, version: of, bytes: utf8Bytes(value) }));
      return { version, bytes, values: listed, ...next };
    }
  }
}

function pageOf<T>(
  { of, limit = LIMITS.usual, after }: StateListQuery,
  all: readonly T[],
  placeOf: (item: T) => Place,
): { items: T[]; next: { next?: string } } {
  const begin = readAfter(of, after);
  const nearest = new Nearest<T>(limit);
  for (const item of all) {
    const place = placeOf(item);
    if (!begin || comparePlaces(place, begin) > 0) nearest.offer(place, item);
  }
  const { placed, end } = nearest.take();
  return { items: placed.map(({ entry }) => entry), next: end ? { next: formatCursor(of, end) } : {} };
}

interface NamedSlot {
  slot: number;
}

/** Of those that the server leads, follows or is to follow, where one is named, by its address or incarnation. */
function slotsOf(table: RoutingTable, server: string | undefined): NamedSlot[] {
  const members = new Map(table.members.map((member) => [member.incarnation, member]));
  const named = (incarnation: string): object => whereabouts(incarnation, members.get(incarnation));
  const isNamed = (incarnation: string | null): boolean =>
    incarnation !== null && (incarnation === server || members.get(incarnation)?.address === server);
  return table.slots.flatMap(({ leader, followers, joining, ...rest }, slot) => {
    if (server !== undefined && ![leader, ...followers, ...joining].some(isNamed)) return [];
    return {
      slot,
      leader: leader === null ? null : named(leader),
      ...rest,
      followers: followers.map(named),
      joining: joining.map(named),
    };
  });
}

/** A slot may name a server that is gone and has no address any more. */
function whereabouts(incarnation: string, member: Member | undefined): object {
  return { incarnation, address: member?.address ?? null };
}
