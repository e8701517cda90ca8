import type { Configuration, NodeId } from './contract.js';

/** A joint configuration asks both of its halves; every decision needs a majority of each. */
function halves({ voters, outgoing }: Configuration): NodeId[][] {
  return outgoing ? [voters, outgoing] : [voters];
}

export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** Whether those for whom `holds` is true can decide. A configuration without voters decides nothing. */
export function isQuorum(configuration: Configuration, holds: (voter: NodeId) => boolean): boolean {
  return halves(configuration).every((half) => half.filter(holds).length >= majority(half.length));
}

/** The highest number that a quorum has reached: of indices, what is committed; of rounds, what is confirmed. */
export function reachedByQuorum(configuration: Configuration, reached: (voter: NodeId) => number): number {
  const reachedByHalf = halves(configuration).map((half) => {
    const descending = half.map(reached).sort((a, b) => b - a);
    return descending[majority(half.length) - 1] ?? 0;
  });
  return Math.min(...reachedByHalf);
}

/** `lost` as soon as those who have not answered yet cannot turn it. */
export function election(
  configuration: Configuration,
  votes: ReadonlyMap<NodeId, boolean>,
): 'won' | 'lost' | 'undecided' {
  if (isQuorum(configuration, (voter) => votes.get(voter) === true)) return 'won';
  return isQuorum(configuration, (voter) => votes.get(voter) !== false) ? 'undecided' : 'lost';
}
