import { formatVersion } from '#model';
import type { DataCore, SessionCore } from '#registry';
import { type Cluster, Violation, decodeBody } from '#sim';

const LOOK_EVERY_MS = 50;

/**
 * Invariant 10: after faults end, in bounded time, every view equals the publications of live owners plus the persistent
 * ones, and all replicas agree: meta servers and members on the table, and of each slot the leader and its complete
 * followers on what they hold, also of what nobody looks at.
 */
export function untilConverged(cluster: Cluster, maxMs: number): number {
  const startMs = cluster.nowMs;
  for (;;) {
    const divergence = cluster.divergence() ?? disagreement(cluster);
    if (divergence === undefined) return cluster.nowMs - startMs;
    if (cluster.nowMs - startMs >= maxMs) throw new Violation('invariant 10', `after ${maxMs} ms ${divergence}`);
    cluster.run(LOOK_EVERY_MS);
  }
}

/** What the servers do not agree on; undefined when they do. */
export function disagreement(cluster: Cluster): string | undefined {
  return ofTables(cluster) ?? ofReplicas(cluster) ?? ofContents(cluster);
}

function ofTables({ metas, data, sessions, meta }: Cluster): string | undefined {
  const { epoch } = meta.state.table;
  for (const { name, state } of metas) if (state.table.epoch !== epoch) return `${name} is at ${state.table.epoch}`;
  for (const { name, core } of [...data, ...sessions]) {
    const known =
      core && ('cluster' in core ? (core as SessionCore).cluster.tableEpoch : (core as DataCore).table?.epoch);
    if (known !== epoch) return `${name} has table ${known}, not ${epoch}`;
  }
  return undefined;
}

function ofReplicas(cluster: Cluster): string | undefined {
  const coreOf = (incarnation: string | null): DataCore | undefined =>
    cluster.data.find((host) => host.incarnation === incarnation)?.core as DataCore | undefined;
  for (const [slot, { leader, leaderEpoch, followers }] of cluster.meta.state.table.slots.entries()) {
    const led = coreOf(leader)
      ?.slots()
      .find((report) => report.slot === slot);
    if (led?.leaderEpoch !== leaderEpoch || !led.complete) return `slot ${slot} has no complete leader`;
    for (const follower of followers) {
      const held = coreOf(follower)
        ?.following()
        .find((report) => report.slot === slot);
      if (held?.position === undefined || held.leaderEpoch !== leaderEpoch)
        return `${follower} follows slot ${slot} not`;
      if (held.hash !== led.hash) return `${follower} holds something else of slot ${slot} than its leader`;
    }
  }
  return undefined;
}

/** What the leaders hold, whether anybody subscribes to it or not. */
function ofContents(cluster: Cluster): string | undefined {
  const expected = new Map<string, string>();
  for (const publisher of cluster.publishers)
    if (cluster.isHeld(publisher))
      expected.set(`${publisher.dataInfoId} ${publisher.registerId}`, publisher.data!.join('\n'));
  for (const dataInfoId of new Set(cluster.publishers.map((publisher) => publisher.dataInfoId))) {
    const reports = cluster.data.flatMap(({ core }) => (core as DataCore | undefined)?.datum(dataInfoId) ?? []);
    if (reports.length !== 1) return `${dataInfoId} has ${reports.length} leaders`;
    for (const { registerId, body } of reports[0]!.publications) {
      const where = `${dataInfoId} at ${formatVersion(reports[0]!.version)}`;
      const key = `${dataInfoId} ${registerId}`;
      if (expected.get(key) === undefined) return `${where} still has ${registerId}`;
      if (expected.get(key) !== decodeBody(body).data.join('\n')) return `${where} has old data of ${registerId}`;
      expected.delete(key);
    }
  }
  const [missing] = expected.keys();
  return missing === undefined ? undefined : `the leaders lack ${missing}`;
}
