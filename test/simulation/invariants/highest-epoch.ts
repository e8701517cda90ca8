import type { DataToSession, FromMeta, ReplicaToLeader } from '#model';
import type { SessionEffect } from '#registry';
import { type Cluster, type Observer, Violation } from '#sim';

type Named = { kind: string; slot: number; leaderEpoch: number };

/** What says that something was taken. */
const ACKNOWLEDGEMENTS = new Set(['applied', 'want', 'reconciled', 'replicated']);

/**
 * Invariant 6: an acknowledgement counts only if it carries the highest leaderEpoch its receiver knows for the slot. One
 * that carries a lower is void: no client is told `stored` and meta is told of no progress on the strength of it. And who
 * has seen a leaderEpoch sends nothing of a lower one.
 */
export function highestEpoch(cluster: Cluster): Observer {
  const known = new Map<string, number[]>();
  /** What each node works on, where that is an acknowledgement that must not count. */
  const voided = new Map<string, Named>();
  const dataServers = (node: string): boolean => cluster.data.some(({ name }) => name === node);

  const see = (node: string, slot: number, leaderEpoch: number): void => {
    const epochs = known.get(node)!;
    epochs[slot] = Math.max(epochs[slot] ?? 0, leaderEpoch);
  };

  return {
    event: (node, event) => {
      voided.delete(node);
      if (event.type === 'start') known.set(node, []);
      const { message } = event as { message?: FromMeta | DataToSession | ReplicaToLeader };
      if (event.type !== 'received' || !message || !known.has(node)) return;
      if (message.kind === 'table')
        for (const [slot, { leaderEpoch }] of message.table.slots.entries()) see(node, slot, leaderEpoch);
      const named = message as Named;
      const highest = known.get(node)![named.slot] ?? 0;
      if (ACKNOWLEDGEMENTS.has(named.kind) && named.leaderEpoch < highest) voided.set(node, named);
      // A session server learns from tables only: what it is sent comes from the leader that its table names.
      if (dataServers(node) && named.leaderEpoch > highest) see(node, named.slot, named.leaderEpoch);
    },
    effect: (node, effect) => {
      const cause = voided.get(node);
      const { message } = effect as { message?: Named };
      const isCounted = message?.kind === 'replicas' || isStored(effect as SessionEffect);
      if (cause && isCounted)
        throw new Violation(
          'invariant 6',
          `${node} counts ${cause.kind} of ${cause.leaderEpoch} in slot ${cause.slot}`,
        );
      if (effect.type !== 'send' || message?.slot === undefined || message.leaderEpoch === undefined) return;
      const highest = known.get(node)?.[message.slot] ?? 0;
      if (message.kind !== 'moved' && message.kind !== 'handOver' && message.leaderEpoch < highest)
        throw new Violation(
          'invariant 6',
          `${node} sends ${message.kind} of ${message.leaderEpoch} in slot ${message.slot}, knowing of ${highest}`,
        );
    },
  };
}

function isStored(effect: SessionEffect): boolean {
  if (effect.type !== 'reply') return false;
  const { results } = effect.reply as { results?: { status: string }[] };
  return results?.some(({ status }) => status === 'stored') ?? false;
}
