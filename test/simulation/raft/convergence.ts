import { Violation } from '#sim';
import type { Group } from './group.js';
import type { SimNode } from './node.js';
import { checkByKey } from './linearizability.js';

/** Why the group is not one yet; undefined when it is. */
export function missingForConvergence(group: Group): string | undefined {
  const leaders = group.living.filter((node) => node.leading && isMember(node, node));
  const [leader] = leaders;
  if (leaders.length !== 1 || !leader) return `${leaders.length} leaders`;
  const { status } = leader;
  if (status.configuration.outgoing) return `${leader.id} is in a joint configuration`;
  for (const node of group.living.filter((each) => isMember(leader, each))) {
    const what = `${node.id} (${node.status.role} of ${node.status.term}, commit ${node.status.commit} of ${node.log.last})`;
    if (node.status.term !== status.term) return `${what} is not in term ${status.term}`;
    if (node.status.leader !== leader.id) return `${what} does not follow ${leader.id}`;
    if (node.log.last !== leader.log.last || node.disk.log.last !== leader.log.last) return `${what} lacks entries`;
    if (node.machine.index !== leader.log.last) return `${what} has applied to ${node.machine.index}`;
  }
  return undefined;
}

function isMember(leader: SimNode, node: SimNode): boolean {
  const { voters, learners } = leader.status.configuration;
  return voters.includes(node.id) || learners.includes(node.id);
}

/** With everything mended: one leader, equal logs and states, everything acknowledged there once, no call unanswered. */
export function demandConvergence(group: Group): void {
  const leader = group.leader!;
  for (const node of group.living.filter((each) => isMember(leader, each))) {
    if (node.machine.digest !== leader.machine.digest || node.log.lastTerm !== leader.log.lastTerm)
      throw new Violation('convergence', `${node.id} and ${leader.id} differ`);
    for (const { call, key, returnedAt } of group.history) {
      if (call.type !== 'append' || returnedAt === Infinity) continue;
      const times = node.machine.lists.get(key)?.filter((value) => value === call.value).length ?? 0;
      if (times !== 1)
        throw new Violation('durability', `${node.id} has the acknowledged ${call.value} ${times} times`);
    }
  }
}

export function demandLinearizability(group: Group): void {
  // What everybody has in the end is one more read of everything, after all others.
  const history = [...group.history];
  for (const [key, list] of group.leader!.machine.lists) {
    const at = { invokedAt: group.moment(), returnedAt: group.moment() };
    history.push({ client: 'the end', key, call: { type: 'read' }, ...at, result: { list } });
  }
  const verdict = checkByKey(history);
  if (!verdict.ok) throw new Violation('linearizability', verdict.reason);
}
