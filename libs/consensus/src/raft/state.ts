import { type EventAt, failure, type Failure, type LogLevel, type Random } from '#model';
import { isVoter } from './configuration.js';
import type { Configuration, NodeId, RaftLimits, RaftOptions } from './contract.js';
import { RaftLog } from './log.js';
import { Outbox } from './outbox.js';

export const DEFAULT_LIMITS: RaftLimits = {
  heartbeatMs: 50,
  electionMinMs: 300,
  electionMaxMs: 600,
  checkQuorumMs: 600,
  appendBytes: 256 * 1024,
  // Few: what is proposed while they are under way shares the next one, which costs far less than one each.
  appendsInFlight: 4,
  pendingProposals: 10_000,
  pendingProposalBytes: 16 * 1024 * 1024,
  pendingReads: 10_000,
  transferMs: 1_000,
  catchUpEntries: 100,
  retainedEntries: 1_000,
};

/** What every part of the core works on. */
export class RaftState {
  readonly id: NodeId;
  readonly limits: RaftLimits;
  readonly log: RaftLog;
  readonly out = new Outbox();
  role: 'follower' | 'preCandidate' | 'candidate' | 'leader' = 'follower';
  term: number;
  /** Given in `term`; never taken back in it. */
  vote: NodeId | null;
  leader: NodeId | undefined;
  nowMs = 0;
  /** When the leader was heard last. */
  heardMs = -Infinity;
  electionDueMs = Infinity;
  private readonly random: Random;

  constructor(options: RaftOptions) {
    this.id = options.id;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.log = new RaftLog(options.restored, options.bootstrap);
    this.term = options.restored.term;
    this.vote = options.restored.vote;
    this.random = options.random;
  }

  get configuration(): Configuration {
    return this.log.configuration;
  }

  /** A node that is installing a snapshot has no log to lead with. */
  get isElectable(): boolean {
    return isVoter(this.configuration, this.id) && !this.log.installing;
  }

  /** The only step to a higher term. The vote given in a term is kept until the term ends. */
  takeTerm(term: number, vote: NodeId | null = null): void {
    this.term = term;
    this.vote = vote;
    this.out.changeHardState();
  }

  restartElectionTimer(): void {
    const { electionMinMs, electionMaxMs } = this.limits;
    this.electionDueMs =
      this.nowMs + electionMinMs + Math.floor(this.random() * Math.max(0, electionMaxMs - electionMinMs));
  }

  note<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields: Record<string, unknown> = {}): void {
    this.out.log(level, event, { term: this.term, ...fields });
  }

  fail(call: number, reason: Failure): void {
    this.out.settle(call, { ok: false, failure: reason });
  }

  notLeader(message: string): Failure {
    const { leader } = this;
    return failure('NOT_LEADER', message, leader === undefined ? {} : { details: { leader } });
  }
}
