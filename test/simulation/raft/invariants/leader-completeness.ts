import type { Entry } from '#consensus';
import { Violation } from '#sim';
import type { Group } from '../group.js';
import type { SimNode } from '../node.js';
import type { GroupObserver } from '../observer.js';

/** What is committed in one term is in the log of the leader of every later term. */
export function leaderCompleteness(group: Group): GroupObserver {
  const committed = new Map<number, { entry: Entry; inTerm: number }>();

  const demand = (leader: SimNode, { entry, inTerm }: { entry: Entry; inTerm: number }): void => {
    const { log, status } = leader;
    if (status.term <= inTerm || log.holds(entry.index, entry.term)) return;
    throw new Violation(
      'leader completeness',
      `${leader.id} leads term ${status.term} without entry ${entry.index}@${entry.term}, committed in term ${inTerm}`,
    );
  };

  return {
    stepped: (node, _event, _effects, before) => {
      if (node.status.role !== 'leader' || (before.role === 'leader' && before.term === node.status.term)) return;
      for (const each of committed.values()) demand(node, each);
    },
    committed: (node, entry) => {
      if (committed.has(entry.index)) return;
      // The first to know is the leader that committed it, so this is the term in which it did.
      const claim = { entry, inTerm: node.status.term };
      committed.set(entry.index, claim);
      for (const other of group.nodes) if (other.leading) demand(other, claim);
    },
  };
}
