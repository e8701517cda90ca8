import type { ContentHash, DataInfoId, DataToSession, LeaderToReplica, LinkEffect, LinkId } from '#model';
import type { ChangeMessage, Delivery } from './changes.js';
import type { SlotReplica } from './slot-replica.js';

export type Sending = Extract<LinkEffect<DataToSession | LeaderToReplica>, { type: 'send' }>;

/** Where answers go, in order. */
export interface Outbox {
  push(effect: Sending): unknown;
}

/**
 * What changed, to all who want it, and between them the answer to whoever changed it: behind what others are told, since they
 * pass it on and somebody waits for that, and before what goes over the same link, as everything does that is asked for there.
 */
export function tellChanges(deliveries: readonly Delivery[], out: Outbox, answer?: Sending): void {
  for (const { links, change } of deliveries)
    for (const link of links) if (link !== answer?.link) out.push({ type: 'send', link, message: change });
  if (!answer) return;
  out.push(answer);
  for (const { links, change } of deliveries) if (links.has(answer.link)) out.push({ ...answer, message: change });
}

/** All of a datum, as it is led here now. */
export function tellDatum(replica: SlotReplica, dataInfoId: DataInfoId): Extract<DataToSession, { kind: 'datum' }> {
  const { slot, leaderEpoch, isComplete: complete } = replica;
  const version = replica.version(dataInfoId);
  const publications = replica.shown(dataInfoId);
  return { kind: 'datum', slot, leaderEpoch, dataInfoId, version, complete, publications };
}

/** To one that holds what hashes to `held`, that this is what the datum is; else all of it. */
function tellIfOther(
  replica: SlotReplica,
  dataInfoId: DataInfoId,
  held: ContentHash | undefined,
): Extract<DataToSession, { kind: 'datum' | 'same' }> {
  const same = tellSame(replica, dataInfoId);
  return same.hash === held ? same : tellDatum(replica, dataInfoId);
}

/** By hash what {@link tellDatum} tells whole. */
function tellSame(replica: SlotReplica, dataInfoId: DataInfoId): Extract<DataToSession, { kind: 'same' }> {
  const { slot, leaderEpoch, isComplete: complete } = replica;
  const version = replica.version(dataInfoId);
  return { kind: 'same', slot, leaderEpoch, dataInfoId, version, complete, hash: replica.hashOfDatum(dataInfoId) };
}

/**
 * All that is wanted, to all who want it: it has become complete. Nearly all who compare hold just this, and are told so; one
 * that does not asks again.
 */
export function tellComplete(replica: SlotReplica, comparing: ReadonlySet<LinkId>, out: Outbox): void {
  for (const { dataInfoId, interest } of replica.interest.datums()) {
    const same = tellSame(replica, dataInfoId);
    let whole: DataToSession | undefined;
    for (const link of interest!) {
      const message = comparing.has(link) ? same : (whole ??= tellDatum(replica, dataInfoId));
      out.push({ type: 'send', link, message });
    }
  }
}

/** A partial datum removes nothing by absence, so the removals known so far go with it, at the same version. */
export function tell(replica: SlotReplica, dataInfoId: DataInfoId, held?: ContentHash): DataToSession[] {
  const datum = tellIfOther(replica, dataInfoId, held);
  const removals = datum.complete ? [] : replica.removalsOf(dataInfoId);
  if (removals.length === 0) return [datum];
  const { slot, leaderEpoch, version } = datum;
  const change: ChangeMessage = {
    ...{ kind: 'change', slot, leaderEpoch, dataInfoId },
    ...{ from: version, to: version, complete: false, upserts: [], removals },
  };
  return [datum, change];
}
