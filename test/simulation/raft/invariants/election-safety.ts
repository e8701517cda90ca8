import type { NodeId } from '#consensus';
import { Violation } from '#sim';
import type { GroupObserver } from '../observer.js';

/** In one term at most one node leads, over all its lives. */
export function electionSafety(): GroupObserver {
  const leaders = new Map<number, NodeId>();
  return {
    stepped: (node) => {
      const { role, term } = node.status;
      if (role !== 'leader') return;
      const other = leaders.get(term);
      if (other === undefined) leaders.set(term, node.id);
      else if (other !== node.id) throw new Violation('election safety', `${node.id} and ${other} lead term ${term}`);
    },
  };
}
