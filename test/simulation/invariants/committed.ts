import type { MetaEvent, MetaState } from '#registry';
import type { Observer } from '#sim';

/**
 * Looks at what meta commits: each change once and in order, whichever meta server tells of it first. Where that one
 * got over it by a snapshot, several changes are seen as one; then `isSingle` is false.
 */
export function onCommitted(
  look: (change: { before: MetaState; after: MetaState; isSingle: boolean }) => void,
): Observer {
  let last: { index: number; state: MetaState } | undefined;
  return {
    event: (_, event) => {
      const committed = event as MetaEvent;
      if (committed.type !== 'committed') return;
      const { index, state } = committed;
      const before = last;
      if (before && index <= before.index) return;
      last = { index, state };
      if (!before || before.state.table.clusterId === '') return;
      look({ before: before.state, after: state, isSingle: state.table.epoch <= before.state.table.epoch + 1 });
    },
  };
}
