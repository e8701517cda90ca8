import type { FromMeta, ToMeta } from '#model';
import type { MetaEvent } from '#registry';
import { type Observer, Violation } from '#sim';

/**
 * What a settled meta leader acknowledges is a read: whatever was committed when the heartbeat was sent is in it. Data
 * servers conclude from such reads that a session server is gone, so an old one takes publications away (invariant 3).
 */
export function freshReads(): Observer {
  let committedEpoch = 0;
  /** What was committed when each heartbeat was sent. */
  const asked = new Map<string, number>();
  return {
    event: (_, event) => {
      const committed = event as MetaEvent;
      if (committed.type === 'committed') committedEpoch = Math.max(committedEpoch, committed.state.table.epoch);
    },
    transit: ({ from, to, connection, message }) => {
      const told = message as FromMeta | ToMeta;
      if (told.kind === 'heartbeat') asked.set(`${connection} ${told.sequence}`, committedEpoch);
      if (told.kind !== 'heartbeatAck' || !told.settled) return;
      const then = asked.get(`${connection} ${told.sequence}`)!;
      if (told.tableEpoch >= then) return;
      const what = `tells ${to} of epoch ${told.tableEpoch}, which was ${then} when it was asked`;
      throw new Violation('fresh reads', `${from} ${what}`);
    },
  };
}
