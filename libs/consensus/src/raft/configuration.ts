import { type Failure, failure } from '#model';
import type { Configuration, MembershipChange, NodeId } from './contract.js';

export const EMPTY: Configuration = { voters: [], learners: [] };

export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing !== undefined;
}

/** Undefined while nothing is known of the group yet. */
export function eraOf({ voters, outgoing = [], learners, era = 0 }: Configuration): number | undefined {
  return voters.length + outgoing.length + learners.length === 0 ? undefined : era;
}

/** In either half. */
export function isVoter({ voters, outgoing }: Configuration, node: NodeId): boolean {
  return voters.includes(node) || (outgoing?.includes(node) ?? false);
}

export function membersOf({ voters, outgoing = [], learners }: Configuration): Set<NodeId> {
  return new Set([...voters, ...outgoing, ...learners]);
}

/**
 * What follows from one change. Adding or removing a learner moves no majority and is done in one step. A change of the
 * voters goes through a joint configuration, so that at no moment two majorities exist that do not meet.
 */
export function change(
  configuration: Configuration,
  { type, node }: MembershipChange,
): { configuration: Configuration } | { failure: Failure } {
  const { voters, learners } = configuration;
  const { voters: _, learners: __, ...life } = configuration;
  if (isJoint(configuration)) return { failure: failure('PENDING', 'Another membership change is under way.') };
  const votes = voters.includes(node);
  const learns = learners.includes(node);
  switch (type) {
    case 'addLearner':
      if (node === '') return refused('A node needs a name.');
      if (votes) return refused(`${node} is a voter already.`);
      if (learns) return refused(`${node} is a learner already.`);
      return { configuration: { voters, learners: [...learners, node], ...life } };
    case 'promote':
      if (votes) return refused(`${node} is a voter already.`);
      if (!learns)
        return refused(`${node} is not a learner; a node joins as one and is promoted when it has caught up.`);
      return {
        configuration: { voters: [...voters, node], outgoing: voters, learners: without(learners, node), ...life },
      };
    case 'remove':
      if (learns) return { configuration: { voters, learners: without(learners, node), ...life } };
      if (!votes) return refused(`${node} is not a member.`);
      if (voters.length === 1) return refused(`${node} is the last voter; without it there is no group.`);
      return { configuration: { voters: without(voters, node), outgoing: voters, learners, ...life } };
    default:
      return refused(`There is no change of the type ${String(type)}.`);
  }
}

/** The second half of a change of voters. */
export function leaveJoint(configuration: Configuration): Configuration {
  const incoming = { ...configuration };
  delete incoming.outgoing;
  return incoming;
}

function without(nodes: NodeId[], node: NodeId): NodeId[] {
  return nodes.filter((other) => other !== node);
}

function refused(message: string): { failure: Failure } {
  return { failure: failure('BAD_REQUEST', message) };
}
