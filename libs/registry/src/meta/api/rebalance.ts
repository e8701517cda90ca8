import { type RoutingTable, isProtected } from '#model';
import {
  type Load,
  type PlanInput,
  type PlanStep,
  type ServerLoad,
  explainer,
  forecast,
  plan,
  serverLoads,
} from '#sharding';
import type { MetaState } from '../contract.js';
import type { Planning } from '../planning.js';
import { drainingServers, findMember, unknownServer } from '../state/drain.js';
import { check, readCount, readServer, refuse } from './input.js';

/** What is moved now and next, or all that would be moved; of these lists the first `limit` entries. */
export type RebalanceQuery =
  { of: 'rebalance'; limit: number } | { of: 'rebalancePlan'; limit: number; drain?: string };

const LIMITS_OF_LISTS = { usual: 20, most: 10_000 };

/** @param drain a server that is to be taken for one that drains */
export function readRebalanceQuery(
  of: RebalanceQuery['of'],
  limit: unknown = LIMITS_OF_LISTS.usual,
  drain?: unknown,
): RebalanceQuery {
  const count = readCount('limit', limit);
  if (count > LIMITS_OF_LISTS.most) refuse(`limit must be at most ${LIMITS_OF_LISTS.most}.`, 'limit');
  if (drain === undefined) return { of, limit: count };
  if (of !== 'rebalancePlan') refuse('drain goes with the plan only.', 'drain');
  return { of, limit: count, drain: readServer(drain) };
}

/** What is under way, what comes next and why, and how far from balance the table is. */
export function rebalanceNow(state: MetaState, planning: Planning, { limit }: RebalanceQuery): object {
  const { table, rebalance } = state;
  const named = namer(table);
  const input = inputOf(state, planning, planning.isSettled && !rebalance.paused);
  const next = plan(input);
  const explain = explainer(input, named);
  const joining = table.slots.flatMap((slot, at) =>
    slot.joining.map((server) => ({ slot: at, server: named(server) })),
  );
  return {
    ...statusOf(state),
    underWay: { joining: joining.length, slots: joining.slice(0, limit) },
    next: {
      steps: next.length,
      explained: next.slice(0, limit).map((step) => ({ ...withNames(step, named), explanation: explain(step) })),
    },
    ...balanceOf(serverLoads(input), table, input),
  };
}

/** All that is to come, as far as can be foreseen; where rebalancing is paused, once it goes on. */
export function rebalanceAhead(
  state: MetaState,
  planning: Planning,
  { limit, drain }: Extract<RebalanceQuery, { of: 'rebalancePlan' }>,
): object {
  const { table } = state;
  const named = namer(table);
  const input = inputOf(state, planning, true, drain);
  const { steps, rounds, changes, least, loads } = forecast(input);
  return {
    ...statusOf(state),
    ...(drain === undefined ? {} : { drain }),
    changes,
    least,
    rounds,
    cost: costOf(steps, planning),
    steps: { count: steps.length, listed: steps.slice(0, limit).map((step) => withNames(step, named)) },
    before: balanceOf(loads.before, table, input),
    after: balanceOf(loads.after, table, input),
  };
}

/** What is copied, what session servers are sent anew by other leaders, and of how many slots that is not known. */
function costOf(steps: readonly PlanStep[], { sizeOf }: Planning): object {
  const cost = { publicationsCopied: 0, bytesCopied: 0, datumsSent: 0, slotsUnknown: 0 };
  const unknown = new Set<number>();
  for (const { type, slot } of steps) {
    const size = sizeOf(slot);
    if (!size) unknown.add(slot);
    else if (type === 'join') {
      cost.publicationsCopied += size.publications;
      cost.bytesCopied += size.bytes;
    } else if (type !== 'drop') cost.datumsSent += size.wanted;
  }
  return { ...cost, slotsUnknown: unknown.size };
}

function inputOf(state: MetaState, { replicas, unfit }: Planning, mayBalance: boolean, drain?: string): PlanInput {
  const { table } = state;
  const draining = new Set(drainingServers(table));
  if (drain !== undefined) {
    const member = findMember(table, drain);
    if (member?.role !== 'data') check(unknownServer(drain));
    draining.add(member!.incarnation);
  }
  return { table, replicas, draining, unfit, mayBalance, frozen: isProtected(table) };
}

function statusOf({ table, rebalance }: MetaState): object {
  const { clusterId, epoch } = table;
  const { version, paused } = rebalance;
  // While many servers are missed, only leaders are replaced: see the protection.
  return { clusterId, epoch, version, status: paused ? 'paused' : 'running', frozen: isProtected(table) };
}

/** Servers are called by their addresses; one that is gone has none any more. */
function namer({ members }: RoutingTable): (incarnation: string) => string {
  const addresses = new Map(members.map(({ incarnation, address }) => [incarnation, address]));
  return (incarnation) => addresses.get(incarnation) ?? incarnation;
}

function withNames(step: PlanStep, named: (incarnation: string) => string): object {
  switch (step.type) {
    case 'promote':
    case 'begin':
      return { ...step, leader: named(step.leader) };
    case 'move':
      return { ...step, from: named(step.from), to: named(step.to) };
    case 'join':
    case 'drop':
      return { ...step, server: named(step.server) };
  }
}

/** What every server carries and should, and by how many slots all of them together are off. */
function balanceOf(loads: readonly ServerLoad[], { members }: RoutingTable, { draining }: PlanInput): object {
  const addresses = new Map(members.map(({ incarnation, address }) => [incarnation, address]));
  const off = (loadOf: (load: ServerLoad) => Load): number => {
    const all = loads.map(loadOf);
    const excess = all.reduce((sum, { count, most }) => sum + Math.max(0, count - most), 0);
    const deficit = all.reduce((sum, { count, fewest }) => sum + Math.max(0, fewest - count), 0);
    return Math.max(excess, deficit);
  };
  return {
    offBalance: { leads: off(({ leads }) => leads), replicas: off(({ replicas }) => replicas) },
    servers: loads.map(({ incarnation, ...load }) => ({
      address: addresses.get(incarnation),
      incarnation,
      draining: draining?.has(incarnation) ?? false,
      ...load,
    })),
  };
}
