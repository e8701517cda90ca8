import type { Core } from '#model';
import { failure } from '#model';
import { eraOf, isVoter } from './configuration.js';
import type { Entry, NodeId, RaftEffect, RaftEvent, RaftMessage, RaftOptions, RaftStatus } from './contract.js';
import { Election } from './election.js';
import { Following } from './following.js';
import { Leading } from './leading.js';
import { RaftState } from './state.js';
import type { Transfer } from './transfer.js';

type Call = Extract<RaftEvent, { call: number }>;

/**
 * One node of a Raft group: events in, effects out. It routes; what each part does is said there: `Election` who leads,
 * `Following` and `Leading` what follows from it, `RaftLog` what is held, `Outbox` what waits for the disk.
 */
export class RaftCore implements Core<RaftEvent, RaftEffect> {
  private readonly state: RaftState;
  private readonly election: Election;
  private readonly following: Following;
  private leading: Leading | undefined;
  /** Of a leadership that has ended: whether the target leads now is yet to be seen. */
  private passing: Transfer | undefined;
  /** The wake asked for. It may be earlier than needed, which saves asking again at every heartbeat. */
  private wakeAtMs: number | undefined;
  private excused = false;

  constructor(options: RaftOptions) {
    this.state = new RaftState(options);
    this.election = new Election(
      this.state,
      () => this.lead(),
      (term, leader) => this.follow(term, leader),
    );
    this.following = new Following(this.state);
  }

  step(nowMs: number, event: RaftEvent): RaftEffect[] {
    const { state } = this;
    state.nowMs = Math.max(state.nowMs, nowMs);
    this.route(event);
    if (this.passing?.ended()) this.passing = undefined;
    const { term, vote, leader, log } = state;
    return state.out.flush({ term, vote, leader, leading: state.role === 'leader', log, wakeAtMs: this.nextWake() });
  }

  status(): RaftStatus {
    const { id, role, term, leader, log, configuration } = this.state;
    const { commit, applied, first, last } = log;
    const isLearner = role === 'follower' && !isVoter(configuration, id);
    return {
      id,
      role: isLearner ? 'learner' : role,
      term,
      leader,
      commit,
      applied,
      first,
      last,
      configuration,
      peers: this.leading?.status() ?? [],
    };
  }

  /** Undefined while this node knows nothing of its group. */
  get era(): number | undefined {
    return eraOf(this.state.configuration);
  }

  /** Undefined where the log does not reach, or no longer. */
  entryAt(index: number): Entry | undefined {
    return this.state.log.entryAt(index);
  }

  private route(event: RaftEvent): void {
    const { state } = this;
    const { log } = state;
    switch (event.type) {
      case 'start':
        return this.start();
      case 'wake':
        return this.wake();
      case 'received':
        return this.receive(event.from, event.message);
      case 'persisted':
        log.synced(event.token);
        state.out.synced(event.token, state.term);
        this.election.persisted(event.token);
        this.leading?.persisted();
        return;
      case 'applied':
        log.applied = Math.max(log.applied, Math.min(event.index, log.handedOut));
        return;
      case 'compacted':
        if (event.meta.index > (log.snapshot?.index ?? 0) && event.meta.index <= log.handedOut && !log.installing)
          log.compact(event.meta, state.limits.retainedEntries);
        return;
      case 'unreachable':
        return this.leading?.unreachable(event.peer);
      case 'chunk':
        return this.leading?.chunk(event);
      default:
        return this.answer(event);
    }
  }

  private answer(event: Call): void {
    const { leading, state } = this;
    if (!leading) return state.fail(event.call, state.notLeader('This node does not lead the group.'));
    switch (event.type) {
      case 'propose':
        return leading.propose(event.call, event.payload);
      case 'read':
        return leading.read(event.call);
      case 'change':
        return leading.change(event.call, event.change);
      case 'transfer':
        return leading.transferTo(event.call, event.to);
      default:
        return state.fail((event as Call).call, failure('BAD_REQUEST'));
    }
  }

  private start(): void {
    const { state } = this;
    state.restartElectionTimer();
    const { voters, outgoing } = state.configuration;
    // Nobody else could be leading.
    if (voters.length === 1 && voters[0] === state.id && !outgoing) this.election.campaign();
  }

  private wake(): void {
    const { state } = this;
    // This node was stalled; what it should have heard meanwhile may be waiting behind this wake. Once, it is excused.
    const late = !this.excused && state.nowMs - (this.wakeAtMs ?? Infinity) > state.limits.heartbeatMs;
    this.excused = late;
    this.wakeAtMs = undefined;
    if (this.leading) this.leading.wake(late);
    else if (late) state.electionDueMs = Math.max(state.electionDueMs, state.nowMs + state.limits.heartbeatMs);
    else if (state.nowMs >= state.electionDueMs && state.isElectable) this.election.campaign();
  }

  private receive(from: NodeId, message: RaftMessage): void {
    const { state } = this;
    if (from === state.id) return;
    switch (message.kind) {
      case 'preVote':
      case 'vote':
        return this.election.asked(from, message);
      case 'preVoteAnswer':
      case 'voteAnswer':
        if (!message.granted && message.term > state.term) this.follow(message.term, undefined);
        return this.election.answered(from, message);
      case 'append':
      case 'snapshot': {
        if (message.term < state.term) return this.correct(from, message.round);
        if (this.leading && message.term === state.term)
          return state.note('error', 'raft-second-leader', { from, hint: 'Two nodes lead in one term; report this.' });
        this.follow(message.term, from);
        state.heardMs = state.nowMs;
        if (message.kind === 'append') this.following.append(from, message);
        else this.following.snapshot(from, message);
        return;
      }
      case 'appendAnswer':
      case 'snapshotAnswer':
        if (message.term > state.term) this.follow(message.term, undefined);
        else if (message.term === state.term) this.leading?.answered(from, message);
        return;
      case 'timeoutNow':
        if (message.term === state.term && state.leader === from && state.isElectable) this.election.campaignNow(true);
        return;
      default:
        return;
    }
  }

  /** A leader of an earlier term learns that its time is over; also one that a quorum still follows. */
  private correct(from: NodeId, round: number): void {
    const { out, term } = this.state;
    out.send(from, { kind: 'appendAnswer', term, round, matched: 0 }, 'hardState');
  }

  private lead(): void {
    const { state } = this;
    state.role = 'leader';
    state.leader = state.id;
    state.note('info', 'raft-leading', { last: state.log.last });
    this.leading = new Leading(state, (reason) => {
      state.note('warn', 'raft-resigned', { reason });
      this.follow(state.term, undefined);
    });
    this.leading.begin();
  }

  private follow(term: number, leader: NodeId | undefined): void {
    const { state, leading } = this;
    if (term > state.term) state.takeTerm(term);
    state.role = 'follower';
    state.leader = leader;
    state.restartElectionTimer();
    if (!leading) return;
    this.leading = undefined;
    this.passing = leading.transfer;
    this.passing?.outlive();
    leading.stop();
  }

  /** Undefined if the wake asked for before is early enough. */
  private nextWake(): number | undefined {
    const { state, leading, passing } = this;
    const dueMs = Math.min(
      leading ? leading.heartbeatDueMs : state.isElectable ? state.electionDueMs : Infinity,
      (leading?.transfer ?? passing)?.deadlineMs ?? Infinity,
    );
    if (dueMs === Infinity || dueMs >= (this.wakeAtMs ?? Infinity)) return undefined;
    this.wakeAtMs = dueMs;
    return dueMs;
  }
}
