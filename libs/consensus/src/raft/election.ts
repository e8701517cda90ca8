import { eraOf } from './configuration.js';
import type { NodeId, RaftMessage } from './contract.js';
import { election } from './quorum.js';
import type { RaftState } from './state.js';

type Ask = Extract<RaftMessage, { kind: 'preVote' | 'vote' }>;
type Answer = Extract<RaftMessage, { kind: 'preVoteAnswer' | 'voteAnswer' }>;

/**
 * Who leads. A node first asks whether it would be elected (PreVote), which changes nothing anywhere; only then does it
 * take a new term. Whoever has heard from a leader lately refuses both, so that a node that was cut off, or one that is
 * no longer a member, deposes nobody. A transfer of leadership is the exception: the leader itself has asked for it.
 */
export class Election {
  private readonly votes = new Map<NodeId, boolean>();
  /** The write of this candidate's vote for itself. */
  private ownVoteToken = 0;

  constructor(
    private readonly state: RaftState,
    private readonly won: () => void,
    private readonly follow: (term: number, leader: NodeId | undefined) => void,
  ) {}

  /** Begins again from the start each time, so that a lost candidacy raises the term only if it could be won. */
  campaign(): void {
    const { state } = this;
    state.role = 'preCandidate';
    state.leader = undefined;
    state.restartElectionTimer();
    this.votes.clear();
    this.ask('preVote', state.term + 1, false);
    this.count(state.id, true);
  }

  /** The leader hands over: no PreVote, and the others are told why they are asked. */
  campaignNow(transfer: boolean): void {
    const { state } = this;
    state.takeTerm(state.term + 1, state.id);
    state.role = 'candidate';
    state.leader = undefined;
    state.restartElectionTimer();
    this.votes.clear();
    this.ownVoteToken = state.out.nextToken;
    state.note('info', 'raft-campaign', { transfer });
    this.ask('vote', state.term, transfer);
  }

  /** A candidate's own vote counts like any other: once it is on a disk. */
  persisted(token: number): void {
    if (this.state.role === 'candidate' && token >= this.ownVoteToken) this.count(this.state.id, true);
  }

  asked(from: NodeId, ask: Ask): void {
    const { state } = this;
    const kind = ask.kind === 'preVote' ? 'preVoteAnswer' : 'voteAnswer';
    const refuse = (): void => state.out.send(from, { kind, term: state.term, granted: false }, 'hardState');
    if (!ask.transfer && this.hasLeader()) return refuse();
    // Whoever asks a node that has been told nothing knows more than it does. Its address may have been that of another
    // node, in this life of the group or in an earlier one; what that one has promised, it cannot keep.
    if (eraOf(state.configuration) === undefined) return refuse();
    const isUpToDate = state.log.isUpToDate(ask.lastIndex, ask.lastTerm);
    if (ask.kind === 'preVote') {
      if (ask.term <= state.term || !isUpToDate) return refuse();
      // It promises nothing, so it waits for nothing.
      return state.out.send(from, { kind, term: ask.term, granted: true }, 'nothing');
    }
    if (ask.term > state.term) this.follow(ask.term, undefined);
    const isFree = state.vote === from || (state.vote === null && state.leader === undefined);
    if (ask.term < state.term || !isFree || !isUpToDate) return refuse();
    if (state.vote === null) {
      state.vote = from;
      state.out.changeHardState();
    }
    state.restartElectionTimer();
    state.out.send(from, { kind, term: state.term, granted: true }, 'hardState');
  }

  answered(from: NodeId, answer: Answer): void {
    const { state } = this;
    const isPreVote = answer.kind === 'preVoteAnswer';
    if (state.role !== (isPreVote ? 'preCandidate' : 'candidate')) return;
    // A refusal may come from a node in an earlier term, which it keeps because it has a leader.
    if (answer.granted && answer.term !== (isPreVote ? state.term + 1 : state.term)) return;
    this.count(from, answer.granted);
  }

  private ask(kind: Ask['kind'], term: number, transfer: boolean): void {
    const { state } = this;
    const { log, id, configuration } = state;
    const message: Ask = { kind, term, lastIndex: log.last, lastTerm: log.lastTerm, ...(transfer && { transfer }) };
    for (const voter of new Set([...configuration.voters, ...(configuration.outgoing ?? [])])) {
      if (voter !== id) state.out.send(voter, message, kind === 'vote' ? 'hardState' : 'nothing');
    }
  }

  private count(voter: NodeId, granted: boolean): void {
    const { state } = this;
    if (granted || !this.votes.has(voter)) this.votes.set(voter, granted);
    const outcome = election(state.configuration, this.votes);
    if (outcome === 'lost') this.follow(state.term, undefined);
    else if (outcome === 'won') {
      if (state.role === 'preCandidate') this.campaignNow(false);
      else this.won();
    }
  }

  private hasLeader(): boolean {
    const { leader, id, heardMs, nowMs, limits } = this.state;
    return leader !== undefined && (leader === id || nowMs - heardMs < limits.electionMinMs);
  }
}
