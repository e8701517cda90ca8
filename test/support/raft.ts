import { setTimeout } from 'node:timers/promises';
import type { RaftStatus } from '#consensus';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';

const POLL_MS = 10;

/** What a meta node says of its group; undefined while it does not answer. */
export async function raftStatus(node: ClusterNode): Promise<RaftStatus | undefined> {
  if (node.pid === undefined) return undefined;
  try {
    const signal = AbortSignal.timeout(1_000);
    const response = await fetch(`http://${node.httpAddress}/v1/raft/status`, { signal });
    return response.ok ? ((await response.json()) as RaftStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** The meta node that leads, at or after this term, once its leadership is known to the others that run. */
export async function leaderOf(cluster: Cluster, fromTerm = 0): Promise<{ node: ClusterNode; status: RaftStatus }> {
  for (;;) {
    const running = cluster.of('meta').filter(({ pid }) => pid !== undefined);
    const statuses = await Promise.all(running.map(raftStatus));
    const at = statuses.findIndex((status) => status?.role === 'leader' && status.term >= fromTerm);
    const status = statuses[at];
    if (status && statuses.every((other) => other?.term === status.term && other.leader === status.id))
      return { node: running[at]!, status };
    await setTimeout(POLL_MS);
  }
}
