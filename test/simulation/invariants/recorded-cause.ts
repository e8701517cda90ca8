import {
  type DataToSession,
  type DatumVersion,
  type Publication,
  type RemovalCause,
  type SessionToData,
  compareVersions,
  formatVersion,
} from '#model';
import type { DataCore, SessionEffect } from '#registry';
import { slotOf } from '#sharding';
import { type Cluster, type Observer, Violation } from '#sim';

interface Known {
  version: DatumVersion;
  publications: Map<string, Publication>;
}

/**
 * Invariant 3, at the data tier: from one complete state of a datum to the next, whatever disappears has a recorded
 * cause. Either somebody recorded a removal, or its owner is an incarnation that meta's committed table no longer
 * names.
 */
export function recordedCause(cluster: Cluster, counted: Map<RemovalCause, number> = new Map()): Observer {
  const complete = new Map<string, Known>();
  const recorded = new Set<string>();
  const restarted = new Set<string>();

  const record = (registerId: string, cause: RemovalCause): void => {
    recorded.add(registerId);
    counted.set(cause, (counted.get(cause) ?? 0) + 1);
  };

  const advance = (dataInfoId: string, known: Known, by: string): void => {
    const before = complete.get(dataInfoId);
    if (before && compareVersions(known.version, before.version) < 0) return;
    complete.set(dataInfoId, known);
    for (const [registerId, { owner }] of before?.publications ?? []) {
      if (known.publications.has(registerId) || recorded.has(registerId) || isLogged(registerId, dataInfoId)) continue;
      if (owner.kind === 'connected' && (restarted.has(owner.session) || !isMember(owner.session))) continue;
      const where = `${dataInfoId} at ${formatVersion(known.version)} of ${by}`;
      throw new Violation('invariant 3', `${where} lacks ${registerId}, for which no cause is recorded`);
    }
  };

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
    transit: ({ from, message }) => {
      const asked = message as SessionToData;
      if (asked.kind === 'operations' || asked.kind === 'reconcile')
        for (const operation of asked.operations)
          if (operation.op === 'unpublish') record(operation.registerId, operation.cause);
      if (asked.kind === 'digest') for (const { registerId, cause } of asked.removals) record(registerId, cause);

      const answer = message as DataToSession;
      if (answer.kind === 'datum' && answer.complete) {
        const publications = new Map(answer.publications.map((each) => [each.registerId, each]));
        advance(answer.dataInfoId, { version: answer.version, publications }, from);
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
