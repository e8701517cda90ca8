import type { Configuration, NodeId } from '#consensus';
import { Violation } from '#sim';
import type { Group } from '../group.js';
import type { GroupObserver } from '../observer.js';

/**
 * When a leader takes an entry for committed, it is on the disks of a majority: what is acknowledged outlives any
 * minority of disks. (That it is still there in the end, `convergence` demands.)
 */
export function durability(group: Group): GroupObserver {
  const stored = (id: NodeId, index: number, term: number): boolean =>
    group.node(id)?.disk.log.holds(index, term) ?? false;
  const byMajority = ({ voters, outgoing }: Configuration, index: number, term: number): boolean =>
    [voters, outgoing ?? voters].every((half) => half.filter((id) => stored(id, index, term)).length > half.length / 2);

  return {
    stepped: ({ id, log, status }, _event, _effects, before) => {
      if (status.role !== 'leader' || status.commit <= before.commit) return;
      if (log.termAt(status.commit) !== status.term)
        throw new Violation('durability', `${id} commits ${status.commit}, which is not of its term, by counting`);
    },
    committed: (node, { index, term }, before) => {
      if (before.role !== 'leader' || node.status.role !== 'leader' || before.term !== node.status.term) return;
      // A step that commits may change the configuration too; it counted by the one or the other.
      if (byMajority(before.configuration, index, term) || byMajority(node.status.configuration, index, term)) return;
      throw new Violation('durability', `${node.id} commits ${index}@${term}, which no majority has on disk`);
    },
  };
}
