import { featureLevelOf } from '#model';
import type { MetaContext } from './context.js';
import type { Proposals } from './proposals.js';

/**
 * Raises what the cluster may use, one level at a time, once everybody supports the next: the data and session servers as
 * the table names them, and the meta servers as they have said to each other, which is asked of the host only when it
 * matters. A meta server that is away counts as one that does not.
 */
export class Features {
  constructor(
    private readonly context: MetaContext,
    private readonly proposals: Proposals,
    /** The highest level of this version. */
    private readonly supported: number,
  ) {}

  /** Asks what the meta servers support, if it is for them alone to say. */
  consider(): void {
    if (this.next !== undefined) this.context.emit({ type: 'askFeatureLevel' });
  }

  /** @param level that every meta server of the group supports; undefined where not all of them are known */
  answered(level: number | undefined): void {
    const { next } = this;
    if (next !== undefined && level !== undefined && level >= next)
      this.proposals.propose({ type: 'raiseFeatureLevel', level: next });
  }

  /** The level that may come next, as far as this node and the members go. */
  private get next(): number | undefined {
    const { ready, state } = this.context;
    const next = state.featureLevel + 1;
    if (!ready || next > this.supported || this.proposals.has('raiseFeatureLevel')) return undefined;
    return state.table.members.every((member) => featureLevelOf(member) >= next) ? next : undefined;
  }
}

/**
 * What all meta servers of a group support; undefined while one of them has not said.
 * @param levelOf what a server supports, as its hello told; undefined while there is no link with it
 */
export function groupFeatureLevel(
  members: Iterable<string>,
  levelOf: (member: string) => number | undefined,
): number | undefined {
  let lowest = Infinity;
  for (const member of members) {
    const level = levelOf(member);
    if (level === undefined) return undefined;
    lowest = Math.min(lowest, level);
  }
  return lowest === Infinity ? undefined : lowest;
}
