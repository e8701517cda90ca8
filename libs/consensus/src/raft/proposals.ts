import { failure } from '#model';
import type { RaftState } from './state.js';

/** What was proposed to this leader and is not committed yet. */
export class Proposals {
  /** Ascending by index; the first `settled` of them are done with. */
  private pending: { call: number; index: number; bytes: number }[] = [];
  private settled = 0;
  private bytes = 0;

  constructor(private readonly state: RaftState) {}

  propose(call: number, payload: Uint8Array): boolean {
    const { log, term, limits } = this.state;
    const count = this.pending.length - this.settled;
    if (count >= limits.pendingProposals || (count > 0 && this.bytes + payload.length > limits.pendingProposalBytes)) {
      const message = `${count} proposals of ${this.bytes} bytes are not committed yet; no more are taken.`;
      this.state.fail(call, failure('OVERLOADED', message));
      return false;
    }
    const index = log.last + 1;
    log.append([{ kind: 'command', index, term, payload }]);
    this.pending.push({ call, index, bytes: payload.length });
    this.bytes += payload.length;
    return true;
  }

  committed(index: number): void {
    let next = this.pending[this.settled];
    while (next && next.index <= index) {
      this.state.out.settle(next.call, { ok: true, index: next.index });
      this.bytes -= next.bytes;
      next = this.pending[++this.settled];
    }
    if (this.settled * 2 < this.pending.length) return;
    this.pending = this.pending.slice(this.settled);
    this.settled = 0;
  }

  stop(): void {
    const message = 'This node no longer leads. Whether the proposal will be applied is not known.';
    for (const { call } of this.pending.slice(this.settled)) this.state.fail(call, this.state.notLeader(message));
  }
}
