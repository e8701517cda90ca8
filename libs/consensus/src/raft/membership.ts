import { failure, type Failure } from '#model';
import { change as changed, isJoint, isVoter, leaveJoint } from './configuration.js';
import type { Configuration, MembershipChange } from './contract.js';
import { isQuorum } from './quorum.js';
import type { Replication } from './replication.js';
import type { RaftState } from './state.js';

/**
 * Changes of who takes part. One at a time: none begins before the one before it is committed, nor before an entry of
 * the leader's own term is (the mistake in the single-server changes of 2014), because until then this leader may hold
 * a change that another leader's quorum knows nothing of. A joint configuration is left as soon as it is committed,
 * also by a leader that found it in its log.
 */
export class Membership {
  /** The change to be answered when `index`, its last entry, is committed; undefined index: not written yet. */
  private pending: { call: number; index: number | undefined } | undefined;

  constructor(
    private readonly state: RaftState,
    private readonly replication: Replication,
    private readonly hasCommitted: () => boolean,
  ) {}

  change(call: number, change: MembershipChange): void {
    const { state } = this;
    const outcome = this.next(change);
    if ('failure' in outcome) return state.fail(call, outcome.failure);
    state.note('info', 'raft-membership-change', { change, configuration: outcome.configuration });
    this.pending = { call, index: undefined };
    this.write(outcome.configuration);
  }

  /** The group has been made just now: its configuration becomes an entry, so that later nodes find it in the log. */
  writeFirst(): void {
    if (this.state.log.configurationIndex === 0) this.write(this.state.configuration);
  }

  /** @returns whether the leader has to go, because the committed configuration is without it */
  committed(): boolean {
    const { state, pending } = this;
    const { log } = state;
    if (log.configurationIndex > log.commit) return false;
    if (isJoint(state.configuration)) {
      if (this.hasCommitted()) this.write(leaveJoint(state.configuration));
      return false;
    }
    if (pending?.index !== undefined) {
      state.out.settle(pending.call, { ok: true, index: pending.index });
      this.pending = undefined;
    }
    return !isVoter(state.configuration, state.id);
  }

  stop(): void {
    if (!this.pending) return;
    const message = 'This node no longer leads. Whether the change will be made is not known.';
    this.state.fail(this.pending.call, this.state.notLeader(message));
  }

  private next(change: MembershipChange): { configuration: Configuration } | { failure: Failure } {
    const { log, limits } = this.state;
    if (!this.hasCommitted())
      return { failure: failure('NOT_READY', 'The leader has committed nothing of its term yet.') };
    if (log.configurationIndex > log.commit)
      return { failure: failure('PENDING', 'Another membership change is under way.') };
    const outcome = changed(this.state.configuration, change);
    if ('failure' in outcome) return outcome;
    if (change.type === 'promote') {
      const matched = this.replication.matched(change.node);
      const lacks = log.last - matched;
      if (!this.replication.isActive(change.node))
        return { failure: failure('NOT_READY', `${change.node} does not answer.`) };
      // A node that has nothing yet grants no vote, so that the group could be left without a leader.
      if (matched === 0 || lacks > limits.catchUpEntries)
        return { failure: failure('NOT_READY', `${change.node} still lacks ${lacks} entries.`) };
    }
    // Once begun, a change needs a majority of the new voters to end, and no other change can undo it.
    if (!isQuorum(outcome.configuration, (node) => this.replication.isActive(node)))
      return { failure: failure('NOT_READY', 'Too few of the voters that would remain answer; the group would stop.') };
    return outcome;
  }

  private write(configuration: Configuration): void {
    const { log, term } = this.state;
    const index = log.last + 1;
    log.append([{ kind: 'configuration', index, term, configuration }]);
    if (this.pending && !isJoint(configuration)) this.pending.index = index;
    this.replication.admit();
  }
}
