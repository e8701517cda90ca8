import { failure } from '#model';
import type { RaftState } from './state.js';

interface Batch {
  round: number;
  index: number;
  calls: number[];
}

/**
 * ReadIndex (Ongaro's dissertation, 6.4): a read sees what was committed when its round began, and is answered once a
 * quorum has answered that round or a later one: so this node still led after the read was asked for. Rounds are never
 * used twice in a term, so that no answer can confirm a read that came after it.
 */
export class Reads {
  /** Asked for since the last round began. */
  private waiting: number[] = [];
  private confirming: Batch[] = [];
  private pending = 0;

  constructor(private readonly state: RaftState) {}

  add(call: number): void {
    const { limits } = this.state;
    if (this.pending >= limits.pendingReads) {
      this.state.fail(call, failure('OVERLOADED', `${this.pending} reads wait to be confirmed; no more are taken.`));
      return;
    }
    this.pending++;
    this.waiting.push(call);
  }

  /** Whether a round should begin for those who wait. Reads that come while one is under way share the next. */
  get wantsRound(): boolean {
    return this.waiting.length > 0 && this.confirming.length === 0;
  }

  begin(round: number): void {
    if (this.waiting.length === 0) return;
    this.confirming.push({ round, index: this.state.log.commit, calls: this.waiting });
    this.waiting = [];
  }

  /** @param round the highest that a quorum has answered */
  confirm(round: number): void {
    while (this.confirming.length > 0 && this.confirming[0]!.round <= round) {
      const { index, calls } = this.confirming.shift()!;
      this.pending -= calls.length;
      for (const call of calls) this.state.out.settle(call, { ok: true, index });
    }
  }

  stop(): void {
    const calls = [...this.confirming.flatMap((batch) => batch.calls), ...this.waiting];
    for (const call of calls) this.state.fail(call, this.state.notLeader('This node no longer leads; read again.'));
  }
}
