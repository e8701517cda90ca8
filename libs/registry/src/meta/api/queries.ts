import type { Member } from '#model';
import type { MetaState } from '../contract.js';
import type { Planning } from '../planning.js';
import { findConfig } from '../state/config.js';
import { requireCluster } from './changes.js';
import { drainOf } from './drains.js';
import { notFound, readCount, readFields, readKey, readServer, refuse } from './input.js';
import { type StateListQuery, answerList, isStateList, readStateList } from './lists.js';
import { type RebalanceQuery, readRebalanceQuery, rebalanceAhead, rebalanceNow } from './rebalance.js';

/** What can be asked of the replicated state, by name. */
export type StateQuery =
  | { of: 'leader' | 'protection' | 'switches' }
  | StateListQuery
  | { of: 'config'; key: string }
  | { of: 'drain'; server: string }
  | RebalanceQuery;

/** As of the moment of the question, or as old as the asked node's state is, which is then told with the answer. */
export type Consistency = 'linearizable' | { maxAgeMs: number };

/** The node that answers, and whom it takes for the leader. */
export interface Answering {
  leader: string | undefined;
  term: number;
  planning: Planning;
}

/** @throws RegistryError BAD_REQUEST, INVALID_NAME */
export function readQuery(value: unknown): StateQuery {
  const { of: list, ...listed } = (value ?? {}) as { of?: unknown };
  if (isStateList(list)) return readStateList(list, listed);
  const { of, key, server, limit, drain } = readFields(value, 'The query', ['of', 'key', 'server', 'limit', 'drain']);
  if (of === 'config') return { of, key: readKey(key) };
  if (of === 'drain') return { of, server: readServer(server) };
  if (of === 'rebalance' || of === 'rebalancePlan') return readRebalanceQuery(of, limit, drain);
  if (typeof of === 'string' && Object.hasOwn(ANSWERS, of)) return { of } as StateQuery;
  return refuse('The query is of none that is known.', 'of');
}

/** Of the query string. @throws RegistryError BAD_REQUEST */
export function readConsistency(query: unknown): Consistency {
  const { consistency = 'linearizable', maxAgeMs } = readFields(query, 'The query', ['consistency', 'maxAgeMs']);
  if (consistency === 'stale') return { maxAgeMs: maxAgeMs === undefined ? Infinity : readCount('maxAgeMs', maxAgeMs) };
  if (consistency !== 'linearizable') refuse('consistency must be linearizable or stale.', 'consistency');
  if (maxAgeMs !== undefined) refuse('maxAgeMs goes with consistency=stale only.', 'maxAgeMs');
  return consistency;
}

/** Of the query string of a list. @throws RegistryError BAD_REQUEST, INVALID_NAME */
export function readList(
  of: StateListQuery['of'],
  { consistency, maxAgeMs, ...query }: Record<string, unknown>,
): [StateQuery, Consistency] {
  const asked = {
    ...(consistency === undefined ? {} : { consistency }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  };
  return [readStateList(of, query), readConsistency(asked)];
}

/** @throws RegistryError NOT_READY before there is a cluster, NOT_FOUND for a key without a value or an unknown member */
export function answerQuery(query: StateQuery, state: MetaState, answering: Answering): object {
  requireCluster(state);
  switch (query.of) {
    case 'config': {
      const found = findConfig(state, query.key);
      if (!found) throw notFound(`No configuration value has the key ${query.key}.`);
      return found;
    }
    case 'drain':
      return drainOf(state.table, query.server);
    case 'rebalance':
      return rebalanceNow(state, answering.planning, query);
    case 'rebalancePlan':
      return rebalanceAhead(state, answering.planning, query);
    case 'members':
    case 'slots':
    case 'configKeys':
      return answerList(query, state, answering.planning);
    default:
      return ANSWERS[query.of](state, answering);
  }
}

type Plain = Exclude<StateQuery['of'], 'config' | 'drain' | RebalanceQuery['of'] | StateListQuery['of']>;

const ANSWERS: Record<Plain, (state: MetaState, answering: Answering) => object> = {
  protection: ({ table }) => {
    const { clusterId, epoch, members, protections = [] } = table;
    const present = (role: Member['role']): number => members.filter((member) => member.role === role).length;
    return {
      clusterId,
      epoch,
      protections: protections.map((protection) => ({ ...protection, present: present(protection.role) })),
    };
  },
  leader: (_, { leader, term }) => ({ leader: leader ?? null, term }),
  switches: ({ switches }) => switches,
};
