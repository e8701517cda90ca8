import { Violation } from '#sim';
import { decodeCommand } from '../machine.js';
import type { GroupObserver } from '../observer.js';

/** However often a proposal is repeated, in the log or by a replay, it changes the state once. */
export function atMostOnce(): GroupObserver {
  return {
    applied: (node, entry, outcome) => {
      if (entry.kind !== 'command' || outcome.status !== 'applied') return;
      const { key, value } = decodeCommand(entry.payload);
      const list = node.machine.lists.get(key)!;
      if (list.indexOf(value) !== list.length - 1)
        throw new Violation('at most once', `${node.id} applies ${value} again at ${entry.index}`);
    },
  };
}
