import { Violation } from '#sim';
import type { GroupObserver } from '../observer.js';

/** Nobody is told anything that a crash could make untrue: a vote, or entries acknowledged, are on disk before. */
export function promisesOnDisk(): GroupObserver {
  return {
    sent: ({ id, disk, log }, to, message) => {
      if (message.kind === 'voteAnswer' && message.granted) {
        const { term, vote } = disk.hardState;
        if (term < message.term || (term === message.term && vote !== to))
          throw new Violation('promises on disk', `${id} gives ${to} a vote in ${message.term} that is not on disk`);
      }
      if (message.kind === 'vote' && (disk.hardState.term < message.term || disk.hardState.vote !== id))
        throw new Violation('promises on disk', `${id} asks for votes in ${message.term}, which is not on disk`);
      if (message.kind === 'appendAnswer' && message.conflict === undefined) {
        const term = log.termAt(message.matched);
        if (term !== undefined && !disk.log.holds(message.matched, term))
          throw new Violation(
            'promises on disk',
            `${id} acknowledges ${message.matched}@${term}, which is not on disk`,
          );
      }
    },
  };
}
