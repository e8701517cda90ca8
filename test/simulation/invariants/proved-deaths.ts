import type { MetaEvent } from '#registry';
import { type Cluster, type Observer, Violation } from '#sim';

/** A lease is cut short by proof only: whoever departs as `refused` or `replaced` is dead, and not merely silent. */
export function provedDeaths(cluster: Cluster): Observer {
  return {
    event: (_, event) => {
      const committed = event as MetaEvent;
      if (committed.type !== 'committed') return;
      for (const { incarnation, cause } of committed.state.table.departed) {
        if (cause !== 'refused' && cause !== 'replaced') continue;
        const alive = cluster.servers.find((host) => host.incarnation === incarnation && !host.dead);
        if (alive) throw new Violation('proved deaths', `${alive.name} departed as ${cause}, and lives`);
      }
    },
  };
}
