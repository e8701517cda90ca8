import { setTimeout } from 'node:timers/promises';
import type { RaftStatus } from '#consensus';
import { type Cluster, ClusterNode, portsFrom } from '../../scripts/lib/cluster.mjs';
import { type Answer, http } from './http.js';
import { raftStatus } from './raft.js';

const POLL_MS = 20;
const AGAIN: ReadonlySet<unknown> = new Set(['NO_LEADER', 'NOT_LEADER', 'NOT_READY']);

/** A server that has not been started yet, and waits to be added to the group of the cluster once it is. */
export async function joiningServer(cluster: Cluster, name: string, others: ClusterNode[] = []): Promise<ClusterNode> {
  const freePort = portsFrom(0, [...cluster.nodes, ...others]);
  const ports = { rpcPort: await freePort(), httpPort: await freePort() };
  const { dir, metaAddresses } = cluster;
  return new ClusterNode({ name, tier: 'meta', ...ports }, { dir, metaAddresses, env: { ROLLCALL_META_JOIN: 'true' } });
}

/** Who changes the group of meta servers over REST, as the README says. */
export class Operator {
  /** @param members of the group that run */
  constructor(public members: ClusterNode[]) {}

  raft(node: ClusterNode, method: string, path: string, body?: unknown): Promise<Answer> {
    return http(method, `http://${node.httpAddress}/v1/raft/${path}`, body);
  }

  /** Resolves once this is so for every member. */
  async all(condition: (status: RaftStatus) => boolean): Promise<void> {
    for (;;) {
      const statuses = await Promise.all(this.members.map(raftStatus));
      if (statuses.every((status) => status && condition(status))) return;
      await setTimeout(POLL_MS);
    }
  }

  /** Everybody has left the joint configuration for that of `members`. */
  settled(): Promise<void> {
    const expected = addresses(this.members.map(({ rpcAddress }) => rpcAddress));
    return this.all(
      ({ configuration: { voters, outgoing, learners } }) =>
        addresses(voters) === expected && !outgoing && learners.length === 0,
    );
  }

  /** A member that does not lead; the leader where it is alone. */
  async follower(): Promise<ClusterNode> {
    await this.all(({ leader }) => Boolean(leader));
    for (const node of this.members) if ((await raftStatus(node))?.role !== 'leader') return node;
    if (this.members.length === 1) return this.members[0]!;
    throw new Error('Every node leads.');
  }

  /** Asks a follower, and asks again as the code says: while there is no leader, or the learner has not caught up. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    for (;;) {
      const answer = await this.raft(await this.follower(), method, path, body);
      if (answer.status !== 503 || !AGAIN.has(answer.body.code)) return answer;
      await setTimeout(POLL_MS);
    }
  }

  private async done(method: string, path: string, body?: unknown): Promise<void> {
    const answer = await this.ask(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path} was refused: ${JSON.stringify(answer.body)}`);
  }

  /** Starts a server, adds it as a learner, and promotes it. */
  async bring(node: ClusterNode): Promise<void> {
    node.start();
    while (!(await raftStatus(node))) await setTimeout(POLL_MS);
    await this.done('POST', 'learners', { node: node.rpcAddress });
    await node.ready();
    await this.done('POST', 'voters', { node: node.rpcAddress });
    this.members.push(node);
    await this.settled();
  }

  async remove(node: ClusterNode): Promise<void> {
    this.members = this.members.filter((other) => other !== node);
    await this.done('DELETE', `members/${node.rpcAddress}`);
    await this.settled();
  }
}

function addresses(list: string[]): string {
  return list.toSorted().join();
}
