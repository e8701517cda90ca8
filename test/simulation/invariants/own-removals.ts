import type { DataToSession, Operation, RemovalCause, SessionToData, Stamp } from '#model';
import { compareStamps, parseLeasedRegisterId } from '#model';
import type { DataCore, RecordedRemoval } from '#registry';
import { type Cluster, type DataHost, type Observer, Violation } from '#sim';
import { ClientStamps } from './client-stamps.js';

const LOOK_EVERY_MS = 50;
/** Said by the client or an operator, and not on behalf of anything that has ended. */
const EXPLICIT: ReadonlySet<RemovalCause> = new Set(['unpublish', 'operator']);

interface Acknowledged {
  stamp: Stamp;
  leader: string;
  leaderEpoch: number;
  atMs: number;
}

/**
 * Invariant 2: a removal on behalf of a connection, session server or lease never takes an entry that its client has
 * meanwhile published through another. So such a removal has the stamp that travelled to that very session server, which
 * is gone where the leader removes for it; it is older than nothing that the leader has acknowledged; and only what has a
 * lease ends by it, which nothing but its lease and its client's word ends.
 */
export function ownRemovals(cluster: Cluster): Observer {
  const stamps = new ClientStamps(cluster);
  const sent = new Map<string, Operation[]>();
  const acknowledged = new Map<string, Acknowledged>();
  const sessions = new Set<string>();
  const lookedAtMs = new Map<string, number>();

  const look = (): void => {
    for (const host of cluster.data) lookAt(host);
    for (const { incarnation } of cluster.sessions) sessions.add(incarnation);
    cluster.world.at(cluster.nowMs + LOOK_EVERY_MS, look);
  };
  cluster.world.at(0, look);

  const lookAt = (host: DataHost): void => {
    const core = host.core as DataCore | undefined;
    // Only what has been removed since the last look is checked against what is known by now.
    const sinceMs = lookedAtMs.get(host.incarnation) ?? cluster.nowMs;
    lookedAtMs.set(host.incarnation, cluster.nowMs);
    for (const { slot, leaderEpoch } of core?.slots() ?? [])
      for (const removal of core!.removals(slot))
        if (removal.atMs > sinceMs && !EXPLICIT.has(removal.cause)) check(host, leaderEpoch, removal);
  };

  const check = (host: DataHost, leaderEpoch: number, removal: RecordedRemoval): void => {
    const { registerId, stamp, cause, by, atMs } = removal;
    const broken = (what: string): never => {
      throw new Violation('invariant 2', `${host.name} removes ${registerId} as ${cause} for ${by}, ${what}`);
    };
    if (isLeased(registerId)) {
      if (cause !== 'lease-ended') broken('which has a lease');
      return;
    }
    if (cause === 'lease-ended') broken('which has none');
    if (!stamps.has(registerId)) return;
    const last = acknowledged.get(registerId);
    const isSame = last?.leader === host.incarnation && last.leaderEpoch === leaderEpoch && last.atMs < atMs;
    if (isSame && compareStamps(stamp, last.stamp) < 0) broken(`though it has acknowledged ${last.stamp.join('.')}`);
    const session = stamps.of(registerId, stamp)?.session;
    if (sessions.has(by) && session !== by) broken(`to which ${stamp.join('.')} never travelled`);
    if (by === 'leader' && isMember(session)) broken(`though ${session} is a member`);
  };

  // Also of one that its client has deleted before it was answered what it had made.
  const isLeased = (registerId: string): boolean => parseLeasedRegisterId(registerId) !== undefined;

  const isMember = (incarnation: string | undefined): boolean =>
    cluster.meta.state.table.members.some((member) => member.incarnation === incarnation);

  return {
    transit: (transit) => {
      stamps.note(transit);
      const { from, connection } = transit;
      const asked = transit.message as SessionToData;
      if (asked.kind === 'operations') sent.set(`${connection} ${asked.sequence}`, asked.operations);
      const answer = transit.message as DataToSession;
      if (answer.kind !== 'applied') return;
      const key = `${connection} ${answer.sequence}`;
      const leader = cluster.data.find(({ name }) => name === from)!.incarnation;
      for (const [index, operation] of (sent.get(key) ?? []).entries()) {
        const result = answer.results[index];
        if (operation.op !== 'publish' || result?.status !== 'stored') continue;
        const { registerId } = operation.publication;
        const before = acknowledged.get(registerId);
        if (before?.leaderEpoch === answer.leaderEpoch && compareStamps(before.stamp, result.stamp) > 0) continue;
        const { leaderEpoch } = answer;
        acknowledged.set(registerId, { stamp: result.stamp, leader, leaderEpoch, atMs: cluster.nowMs });
      }
      sent.delete(key);
    },
  };
}
