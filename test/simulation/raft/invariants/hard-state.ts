import { Violation } from '#sim';
import type { GroupObserver } from '../observer.js';

/** On disk the term never falls, and in one term a vote once given is neither changed nor taken back. */
export function hardState(): GroupObserver {
  return {
    written: ({ id, disk }, _write, before) => {
      const { term, vote } = disk.hardState;
      if (term < before.term)
        throw new Violation('hard state', `the disk of ${id} goes back from term ${before.term} to ${term}`);
      if (term === before.term && before.vote !== null && vote !== before.vote)
        throw new Violation('hard state', `the disk of ${id} turns its vote for ${before.vote} into one for ${vote}`);
    },
  };
}
