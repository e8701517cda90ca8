import { Violation } from '#sim';
import { contentOf } from '../content.js';
import type { SimNode } from '../node.js';
import type { GroupObserver } from '../observer.js';

/**
 * Every node commits and applies the same entry at an index, and what its state machine is there depends on the index
 * alone, whichever way it got there: through the log, a restart or a snapshot.
 */
export function stateMachineSafety(): GroupObserver {
  const entries = new Map<number, string>();
  const digests = new Map<number, number>();

  const sameEntry = (node: SimNode, verb: string, index: number, text: string): void => {
    const other = entries.get(index);
    if (other === undefined) entries.set(index, text);
    else if (other !== text)
      throw new Violation('state machine safety', `${node.id} ${verb} ${text} at ${index}, where others have ${other}`);
  };
  const sameState = (node: SimNode): void => {
    const { index, digest } = node.machine;
    const other = digests.get(index);
    if (other === undefined) digests.set(index, digest);
    else if (other !== digest)
      throw new Violation('state machine safety', `the state of ${node.id} at ${index} is not what it is elsewhere`);
  };

  return {
    committed: (node, entry) => sameEntry(node, 'commits', entry.index, `${contentOf(entry)} of ${entry.term}`),
    applied: (node, entry) => {
      sameEntry(node, 'applies', entry.index, `${contentOf(entry)} of ${entry.term}`);
      if (entry.index > node.status.commit)
        throw new Violation('state machine safety', `${node.id} applies ${entry.index} before it is committed`);
      sameState(node);
    },
    restored: sameState,
  };
}
