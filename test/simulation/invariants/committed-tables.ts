import type { DataToSession, FromMeta, RoutingTable } from '#model';
import type { MetaEvent } from '#registry';
import { type Cluster, type Observer, Violation } from '#sim';

/**
 * Invariant 7, where it comes to be acted upon: all meta servers agree on what stands at each index of their log; every
 * table that any server hands on is one that meta has committed; and a data server leads a slot only at a leaderEpoch
 * for which a committed table names it, or the process before it at its address.
 */
export function committedTables(cluster: Cluster): Observer {
  const states = new Map<number, string>();
  const tables = new Map<string, string>();
  /** The addresses that committed tables have named as the leader of a slot at a leaderEpoch. */
  const named = new Map<string, string>();

  const learn = (table: RoutingTable): void => {
    if (tables.has(keyOf(table))) return;
    tables.set(keyOf(table), JSON.stringify(table));
    for (const [slot, { leader, leaderEpoch }] of table.slots.entries()) {
      const address = table.members.find(({ incarnation }) => incarnation === leader)?.address;
      if (address !== undefined) named.set(`${slot} at ${leaderEpoch}`, address);
    }
  };

  return {
    event: (node, event) => {
      const committed = event as MetaEvent;
      if (committed.type !== 'committed') return;
      const { index, state } = committed;
      const text = JSON.stringify(state);
      const known = states.get(index);
      if (known === undefined) states.set(index, text);
      else if (known !== text)
        throw new Violation('invariant 7', `${node} has at index ${index} ${text}, not ${known}`);
      learn(state.table);
    },
    transit: ({ from, message }) => {
      const { kind } = message as FromMeta | DataToSession;
      if (kind === 'table') {
        const { table } = message as Extract<FromMeta, { kind: 'table' }>;
        if (table.epoch > 0 && tables.get(keyOf(table)) !== JSON.stringify(table))
          throw new Violation('invariant 7', `${from} hands on a table of epoch ${table.epoch} that is not committed`);
        return;
      }
      if (kind !== 'datum' && kind !== 'same' && kind !== 'change' && kind !== 'applied') return;
      const { slot, leaderEpoch } = message as Extract<DataToSession, { kind: 'applied' }>;
      const address = named.get(`${slot} at ${leaderEpoch}`);
      const own = cluster.data.find(({ name }) => name === from)?.address;
      if (address !== own)
        throw new Violation('invariant 7', `${from} leads slot ${slot} at ${leaderEpoch}, which ${address} does`);
    },
  };
}

function keyOf({ clusterId, epoch }: RoutingTable): string {
  return `${clusterId} ${epoch}`;
}
