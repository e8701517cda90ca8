import type { Entry } from '#consensus';
import { Violation } from '#sim';
import { contentOf } from '../content.js';
import type { LogView } from '../log-view.js';
import type { GroupObserver } from '../observer.js';

/**
 * Two logs with an entry of the same index and term are the same up to there. It is enough that everywhere such an
 * entry has one content and one predecessor; the rest follows by induction.
 */
export function logMatching(): GroupObserver {
  const known = new Map<string, { content: string; previousTerm: number | undefined }>();

  const check = (log: LogView, entries: readonly Entry[], whose: string): void => {
    for (const entry of entries) {
      const key = `${entry.index}@${entry.term}`;
      const content = contentOf(entry);
      const previousTerm = log.termAt(entry.index - 1);
      const other = known.get(key);
      if (!other) known.set(key, { content, previousTerm });
      else if (
        other.content !== content ||
        (previousTerm ?? other.previousTerm) !== (other.previousTerm ?? previousTerm)
      )
        throw new Violation('log matching', `entry ${key} of ${whose} differs from another's, or in what precedes it`);
      if (previousTerm !== undefined && previousTerm > entry.term)
        throw new Violation('log matching', `${whose} has ${key} after an entry of term ${previousTerm}`);
    }
  };

  return {
    started: (node) => check(node.disk.log, node.disk.log.all, `the disk of ${node.id}`),
    stepped: (node, _event, effects) => {
      for (const effect of effects)
        if (effect.type === 'persist' && effect.entries) check(node.log, effect.entries, node.id);
    },
    written: ({ id, disk: { log } }, write) => {
      const first = write.kind === 'persist' ? write.entries?.[0] : undefined;
      // To the end of the log: what stands behind the entries written must follow from them.
      if (first) check(log, log.all.slice(first.index - log.baseIndex - 1), `the disk of ${id}`);
    },
  };
}
