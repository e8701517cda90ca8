import type { MetaContext } from './context.js';
import type { Proposals } from './proposals.js';

/**
 * The first thing that a recovered or restored group does. Its state may lack members that joined after it was saved, and
 * they live: data and session servers work on by their last table, as while any meta is away. Were they shown a table
 * without one of the session servers, slot leaders would become complete without it, and what its clients have
 * published would vanish from everybody's view. So for a while the leader takes in who comes, and answers nobody. Each
 * leader begins this anew, until the end of it is committed.
 */
export class Gathering {
  private endsAtMs = Infinity;

  constructor(
    private readonly context: MetaContext,
    private readonly proposals: Proposals,
  ) {}

  begin(nowMs: number): void {
    if (this.context.gathering) return;
    const { limits, table } = this.context;
    this.context.gathering = true;
    this.endsAtMs = nowMs + limits.gatherMs;
    const { clusterId, members } = table;
    this.context.log('info', 'gathering', { clusterId, members: members.length, forMs: limits.gatherMs });
  }

  tick(nowMs: number): void {
    if (!this.context.gathering || nowMs < this.endsAtMs || this.proposals.has('gathered')) return;
    this.proposals.propose({ type: 'gathered' });
  }

  forgive(gapMs: number): void {
    this.endsAtMs += gapMs;
  }

  /** Its end is committed, or another leadership begins. */
  end(): void {
    this.context.gathering = false;
  }
}
