import { failure } from '#model';
import type { NodeId } from './contract.js';
import type { RaftState } from './state.js';

/**
 * One transfer of leadership. It outlives the leadership it ends: it has succeeded when the target leads. While it is
 * under way nothing is proposed, so that the target can have, and the group can commit, everything there is; a
 * planned transfer leaves no proposal in doubt.
 */
export class Transfer {
  private asked = false;
  private outlives = false;
  readonly deadlineMs: number;

  constructor(
    private readonly state: RaftState,
    private readonly call: number,
    readonly to: NodeId,
  ) {
    this.deadlineMs = state.nowMs + state.limits.transferMs;
  }

  /** The leader calls this whenever the target or the commit has moved. */
  advance(matched: number): void {
    const { log, out, term } = this.state;
    if (this.asked || matched < log.last || log.commit < log.last) return;
    this.asked = true;
    out.send(this.to, { kind: 'timeoutNow', term }, 'nothing');
  }

  /** The leadership it was asked of has ended. Should this node lead again, the target does not. */
  outlive(): void {
    this.outlives = true;
  }

  /** @returns whether it has ended */
  ended(): boolean {
    const { state } = this;
    const { leader, id, nowMs, log } = state;
    if (leader === this.to) state.out.settle(this.call, { ok: true, index: log.commit });
    else if (leader !== undefined && (leader !== id || this.outlives))
      state.fail(this.call, state.notLeader(`${leader} leads instead.`));
    else if (nowMs >= this.deadlineMs)
      state.fail(this.call, failure('DEADLINE_EXCEEDED', `${this.to} has not taken over in time.`));
    else return false;
    return true;
  }
}
