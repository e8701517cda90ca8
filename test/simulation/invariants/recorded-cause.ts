import {
  DEFAULT_GROUP,
  DEFAULT_INSTANCE_ID,
  type DataToSession,
  type DatumVersion,
  type NameFields,
  type Operation,
  type Owner,
  type Publication,
  type RemovalCause,
  type SessionToData,
  type Stamp,
  type UnpublishFields,
  compareStamps,
  compareVersions,
  formatVersion,
  leasedRegisterId,
  toDataInfoId,
} from '#model';
import type { DataCore, SessionEffect } from '#registry';
import { slotOf } from '#sharding';
import { type ClientMessage, type Cluster, type Observer, type ServerMessage, Violation } from '#sim';
import { datumTold } from './datum-told.js';

interface Known {
  version: DatumVersion;
  publications: Map<string, Publication>;
}

/**
 * Invariant 3, at the data tier: from one complete state of a datum to the next, whatever disappears has a recorded
 * cause. Either somebody recorded a removal, or its latest owner, or the one before, is an incarnation that meta's committed table
 * no longer names, or it is leased and died with its leader before any session server that is still a member had acknowledged it.
 */
export function recordedCause(cluster: Cluster, counted: Map<RemovalCause, number> = new Map()): Observer {
  const complete = new Map<string, Known>();
  const recorded = new Set<string>();
  const restarted = new Set<string>();
  /** The owner of the newest stamp that any session server has told a leader of: it may never get into a complete state. */
  const owners = new Map<string, { stamp: Stamp; owner: Owner }>();

  /** Of leased publications: who asked for which over a connection, and the incarnations that answered well. */
  const asking = new Map<number, string>();
  const holders = new Map<string, Set<string>>();

  const isHeldForReplay = (registerId: string): boolean =>
    cluster.sessions.some(
      ({ dead, incarnation }) => !dead && isMember(incarnation) && holders.get(registerId)?.has(incarnation),
    );

  const noteLeased = (from: string, connection: number, message: ClientMessage & ServerMessage): void => {
    if (message.pattern === 'http.publish') asking.set(connection, canonical(message.payload as NameFields));
    if (message.pattern === 'http.renew') asking.set(connection, (message.payload as UnpublishFields).registerId);
    const registerId = asking.get(connection);
    const host = cluster.sessions.find((each) => each.name === from);
    if (message.type !== 'response' || registerId === undefined || !host) return;
    const held = holders.get(registerId) ?? new Set();
    holders.set(registerId, held.add(host.incarnation));
  };

  const record = (registerId: string, cause: RemovalCause): void => {
    recorded.add(registerId);
    counted.set(cause, (counted.get(cause) ?? 0) + 1);
  };

  const advance = (dataInfoId: string, known: Known, by: string): void => {
    const before = complete.get(dataInfoId);
    if (before && compareVersions(known.version, before.version) < 0) return;
    complete.set(dataInfoId, known);
    for (const [registerId, last] of before?.publications ?? []) {
      if (known.publications.has(registerId) || recorded.has(registerId) || isLogged(registerId, dataInfoId)) continue;
      const { owner } = last;
      // The newest may not have come through; then its leader knows only the one before.
      if (isGone(owner) || isGone(latestOwner(last))) continue;
      if (owner.kind === 'leased' && !isHeldForReplay(registerId)) continue;
      const where = `${dataInfoId} at ${formatVersion(known.version)} of ${by}`;
      throw new Violation('invariant 3', `${where} lacks ${registerId}, for which no cause is recorded`);
    }
  };

  const noteOwner = ({ registerId, stamp, owner }: Extract<Operation, { op: 'publish' }>['publication']): void => {
    const noted = owners.get(registerId);
    if (stamp && (!noted || compareStamps(stamp, noted.stamp) > 0)) owners.set(registerId, { stamp, owner });
  };

  const latestOwner = ({ registerId, stamp, owner }: Publication): Owner => {
    const noted = owners.get(registerId);
    return noted && compareStamps(noted.stamp, stamp) > 0 ? noted.owner : owner;
  };

  const isGone = (owner: Owner): boolean =>
    owner.kind === 'connected' && (restarted.has(owner.session) || !isMember(owner.session));

  const isMember = (incarnation: string): boolean =>
    cluster.meta.state.table.members.some((member) => member.incarnation === incarnation);

  const isLogged = (registerId: string, dataInfoId: string): boolean => {
    const slot = slotOf(dataInfoId, cluster.meta.state.table.slots.length);
    return cluster.data.some((host) =>
      (host.core as DataCore | undefined)?.removals(slot).some((removal) => removal.registerId === registerId),
    );
  };

  return {
    effect: (node, effect) => {
      if ((effect as SessionEffect).type !== 'restart') return;
      const host = cluster.sessions.find((each) => each.name === node);
      if (host) restarted.add(host.incarnation);
    },
    transit: ({ from, connection, message }) => {
      noteLeased(from, connection, message as ClientMessage & ServerMessage);
      const asked = message as SessionToData;
      if (asked.kind === 'operations' || asked.kind === 'reconcile')
        for (const operation of asked.operations)
          if (operation.op === 'unpublish') record(operation.registerId, operation.cause);
          else noteOwner(operation.publication);
      if (asked.kind === 'persist' && asked.operation.op === 'unpublish')
        record(asked.operation.registerId, asked.operation.cause);
      if (asked.kind === 'digest') for (const { registerId, cause } of asked.removals) record(registerId, cause);

      const answer = message as DataToSession;
      if (answer.kind === 'leaseEnded') for (const { registerId } of answer.ended) record(registerId, 'lease-ended');
      const datum = datumTold(cluster, from, message);
      if (datum?.complete) {
        const publications = new Map(datum.publications.map((each) => [each.registerId, each]));
        advance(datum.dataInfoId, { version: datum.version, publications }, from);
      } else if (answer.kind === 'change') {
        for (const { registerId, cause } of answer.removals) record(registerId, cause);
        const base = complete.get(answer.dataInfoId);
        if (!answer.complete || !base || compareVersions(base.version, answer.from) !== 0) return;
        const publications = new Map(base.publications);
        for (const each of answer.upserts) publications.set(each.registerId, each);
        for (const { registerId } of answer.removals) publications.delete(registerId);
        advance(answer.dataInfoId, { version: answer.to, publications }, from);
      }
    },
  };
}

function canonical({ dataId, registerId }: NameFields & { registerId?: string }): string {
  const dataInfoId = toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
  return leasedRegisterId(dataInfoId, registerId!);
}
