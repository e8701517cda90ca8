import type { Configuration } from '#consensus';
import { Violation } from '#sim';
import type { SimNode } from '../node.js';
import type { GroupObserver } from '../observer.js';

/**
 * Voters change through a joint configuration only, one change at a time: none is begun before the one before it is
 * committed, and an entry of the leader's own term too. Only a voter leads.
 */
export function configurationSafety(): GroupObserver {
  const broken = (node: SimNode, what: string): never => {
    throw new Violation('configuration safety', `${node.id} ${what}`);
  };
  const latestBefore = (node: SimNode, index: number): { index: number; configuration: Configuration } => {
    for (let at = index - 1; at > node.log.baseIndex; at--) {
      const entry = node.log.at(at);
      if (entry?.kind === 'configuration') return { index: at, configuration: entry.configuration };
    }
    const { snapshot } = node.disk;
    return { index: node.log.baseIndex, configuration: snapshot?.meta.configuration ?? node.bootstrap };
  };

  return {
    stepped: (node, _event, effects, before) => {
      const { status, log } = node;
      if (status.role === 'leader' && before.role !== 'leader') {
        const { voters, outgoing } = status.configuration;
        if (!voters.includes(node.id) && !outgoing?.includes(node.id)) broken(node, 'leads without being a voter');
      }
      for (const effect of effects) {
        if (effect.type !== 'persist') continue;
        for (const entry of effect.entries ?? []) {
          if (entry.kind !== 'configuration') continue;
          const previous = latestBefore(node, entry.index);
          if (previous.configuration.voters.length > 0 && !follows(previous.configuration, entry.configuration))
            broken(
              node,
              `goes from ${JSON.stringify(previous.configuration)} to ${JSON.stringify(entry.configuration)}`,
            );
          const isNews = JSON.stringify(previous.configuration) !== JSON.stringify(entry.configuration);
          if (!isNews || status.role !== 'leader' || entry.term !== status.term) continue;
          if (previous.index > status.commit)
            broken(node, `begins a change at ${entry.index} before the last is committed`);
          if (log.termAt(status.commit) !== undefined && log.termAt(status.commit) !== status.term)
            broken(node, `begins a change at ${entry.index} before an entry of its term is committed`);
        }
      }
    },
  };
}

/** One half of the next is the voters of before, or it moves no voter at all. */
function follows(before: Configuration, after: Configuration): boolean {
  if (after.voters.length === 0) return false;
  if (before.outgoing) return !after.outgoing && same(before.voters, after.voters);
  return after.outgoing ? same(before.voters, after.outgoing) : same(before.voters, after.voters);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
