import type { RoutingTable } from '#model';
import type { MetaEvent } from '#registry';
import { type Observer, Violation } from '#sim';

/** Invariant 7, as the committed table shows it: epochs only rise, and no slot changes its leader at one leaderEpoch. */
export function conditionalLeaders(): Observer {
  let last: RoutingTable | undefined;
  return {
    event: (_, event) => {
      const committed = event as MetaEvent;
      if (committed.type !== 'committed') return;
      const { table } = committed.state;
      const before = last;
      last = table;
      if (!before || before.clusterId !== table.clusterId || before.clusterId === '') return;
      if (table.epoch < before.epoch) throw new Violation('invariant 7', `epoch ${before.epoch} -> ${table.epoch}`);
      for (const [slot, now] of table.slots.entries()) {
        const was = before.slots[slot]!;
        const moved = was.leader !== now.leader;
        if (now.leaderEpoch < was.leaderEpoch || (moved && now.leaderEpoch === was.leaderEpoch))
          throw new Violation('invariant 7', `slot ${slot}: ${JSON.stringify(was)} -> ${JSON.stringify(now)}`);
      }
    },
  };
}
