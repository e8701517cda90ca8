import type { DataToSession, DurableEntry, Operation, Publication, SessionToData } from '#model';
import { compareStamps } from '#model';
import { type Cluster, type Observer, Violation } from '#sim';

interface Asked {
  slot: number;
  operation: Operation;
}

/**
 * Invariant 8: when a persistent publication is acknowledged, or shown, every disk that the committed table names for the
 * slot has it. A disk that was thrown away cannot be looked at any more, and is not missed here.
 */
export function persistentOnDisks(cluster: Cluster): Observer {
  /** By the session server and the number of its request. */
  const asked = new Map<string, Asked>();

  const onEveryDisk = (
    what: string,
    slot: number,
    { dataInfoId, registerId }: { dataInfoId: string; registerId: string },
    holds: (entry: DurableEntry | undefined) => boolean,
  ): void => {
    const { durable, disks = [] } = cluster.meta.state.table.slots[slot]!;
    if (!durable)
      throw new Violation('invariant 8', `${registerId} is ${what}, and slot ${slot} is not marked durable`);
    for (const { name, slotDisk } of cluster.data) {
      if (!disks.includes(slotDisk.diskId) || holds(slotDisk.find(slot, dataInfoId, registerId))) continue;
      throw new Violation('invariant 8', `${registerId} is ${what}, and is not on the disk of ${name}`);
    }
  };

  const acknowledged = ({ slot, operation }: Asked): void => {
    if (operation.op === 'unpublish')
      return onEveryDisk('removed', slot, operation, (entry) => entry?.publication === undefined);
    const { publication } = operation;
    return onEveryDisk('acknowledged', slot, publication, (entry) =>
      isSame(entry?.publication?.body, publication.body),
    );
  };

  const shown = (slot: number, publication: Publication): void => {
    if (publication.owner.kind !== 'persistent') return;
    // It may be removed by now, at a higher stamp that is not acknowledged yet.
    onEveryDisk('shown', slot, publication, (entry) => !!entry && compareStamps(entry.stamp, publication.stamp) >= 0);
  };

  return {
    transit: ({ from, to, message }) => {
      const request = message as SessionToData;
      if (request.kind === 'persist')
        asked.set(`${from} ${request.requestId}`, { slot: request.slot, operation: request.operation });
      const answer = message as DataToSession;
      if (answer.kind === 'persisted' && answer.result.status === 'stored')
        acknowledged(asked.get(`${to} ${answer.requestId}`)!);
      if (answer.kind === 'datum') for (const each of answer.publications) shown(answer.slot, each);
      if (answer.kind === 'change') for (const each of answer.upserts) shown(answer.slot, each);
    },
  };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index]);
}
