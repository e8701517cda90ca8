import { failure } from '#model';
import { isVoter } from './configuration.js';
import type { MembershipChange, NodeId, RaftEvent, RaftMessage, RaftStatus } from './contract.js';
import { Membership } from './membership.js';
import { Proposals } from './proposals.js';
import { isQuorum, reachedByQuorum } from './quorum.js';
import { Reads } from './reads.js';
import { Replication } from './replication.js';
import type { RaftState } from './state.js';
import { Transfer } from './transfer.js';

type Answer = Extract<RaftMessage, { kind: 'appendAnswer' | 'snapshotAnswer' }>;

/** One leadership: made when an election is won, thrown away when it ends. */
export class Leading {
  transfer: Transfer | undefined;
  heartbeatDueMs = 0;
  private ended = false;
  private round = 0;
  /** Consecutive. When the rounds of the last `checkQuorumMs` began; an answer to an older one tells nothing about now. */
  private rounds: { round: number; startedMs: number }[] = [];
  private readonly startIndex: number;
  private readonly replication: Replication;
  private readonly proposals: Proposals;
  private readonly reads: Reads;
  private readonly membership: Membership;

  constructor(
    private readonly state: RaftState,
    private readonly resign: (reason: string) => void,
  ) {
    this.startIndex = state.log.last + 1;
    this.replication = new Replication(state, () => this.round);
    this.proposals = new Proposals(state);
    this.reads = new Reads(state);
    this.membership = new Membership(state, this.replication, () => this.hasCommitted);
  }

  /** Only an entry of its own term lets a leader commit what it found in its log (Raft, 5.4.2). */
  begin(): void {
    const { log, term } = this.state;
    log.append([{ kind: 'noop', index: this.startIndex, term }]);
    this.membership.writeFirst();
    this.beginRound(false);
    this.replication.replicate();
  }

  /** @param late the host woke this node so late that answers may be waiting behind the wake */
  wake(late: boolean): void {
    const { nowMs, configuration } = this.state;
    if (this.transfer?.ended()) this.transfer = undefined;
    if (nowMs < this.heartbeatDueMs) return;
    if (!late && !isQuorum(configuration, (node) => this.replication.isActive(node))) {
      this.resign('no quorum has answered for too long');
      return;
    }
    this.beginRound(true);
  }

  propose(call: number, payload: Uint8Array): void {
    if (this.transfer) return this.refuseDuringTransfer(call);
    if (this.proposals.propose(call, payload)) this.replication.replicate();
  }

  read(call: number): void {
    this.reads.add(call);
    this.advanceReads();
  }

  change(call: number, change: MembershipChange): void {
    if (this.transfer) return this.refuseDuringTransfer(call);
    this.membership.change(call, change);
    this.replication.replicate();
  }

  transferTo(call: number, to: NodeId): void {
    const { state } = this;
    if (to === state.id) return state.out.settle(call, { ok: true, index: state.log.commit });
    if (!isVoter(state.configuration, to)) return state.fail(call, failure('BAD_REQUEST', `${to} is not a voter.`));
    if (this.transfer) return state.fail(call, failure('PENDING', `A transfer to ${this.transfer.to} is under way.`));
    this.transfer = new Transfer(state, call, to);
    this.transfer.advance(this.replication.matched(to));
  }

  answered(from: NodeId, answer: Answer): void {
    const peer = this.replication.peers.get(from);
    if (!peer) return;
    peer.answeredRound = Math.max(peer.answeredRound, Math.min(answer.round, this.round));
    const startedMs = this.rounds[answer.round - (this.rounds[0]?.round ?? 0)]?.startedMs;
    if (startedMs !== undefined) peer.activeMs = Math.max(peer.activeMs, startedMs);
    if (answer.kind === 'appendAnswer') this.replication.appendAnswered(from, peer, answer);
    else this.replication.snapshotAnswered(from, peer, answer);
    if (!this.advanceCommit()) this.replication.replicateTo(from, peer);
    if (this.ended) return;
    this.advanceReads();
    this.transfer?.advance(this.replication.matched(this.transfer.to));
  }

  /** This leader's own disk has caught up. */
  persisted(): void {
    this.advanceCommit();
  }

  chunk(event: Extract<RaftEvent, { type: 'chunk' }>): void {
    this.replication.chunk(event);
  }

  unreachable(node: NodeId): void {
    this.replication.peers.get(node)?.lost();
  }

  /** Whatever is not decided yet is no longer this node's to decide. */
  stop(): void {
    this.ended = true;
    this.proposals.stop();
    this.reads.stop();
    this.membership.stop();
  }

  status(): RaftStatus['peers'] {
    return [...this.replication.peers].map(([id, { state, matched }]) => {
      return { id, state, matched, active: this.replication.isActive(id) };
    });
  }

  private get hasCommitted(): boolean {
    return this.state.log.commit >= this.startIndex;
  }

  /** A round asks every peer whether it still follows. All appends until the next round carry its number. */
  private beginRound(isHeartbeat: boolean): void {
    const { nowMs, limits } = this.state;
    const round = ++this.round;
    while (this.rounds.length > 0 && nowMs - this.rounds[0]!.startedMs >= limits.checkQuorumMs) this.rounds.shift();
    this.rounds.push({ round, startedMs: nowMs });
    if (this.hasCommitted) this.reads.begin(round);
    this.heartbeatDueMs = nowMs + limits.heartbeatMs;
    if (isHeartbeat || round > 1) this.replication.heartbeat();
    this.confirmReads();
  }

  private advanceReads(): void {
    this.confirmReads();
    if (this.hasCommitted && this.reads.wantsRound) this.beginRound(true);
  }

  private confirmReads(): void {
    const { configuration, id } = this.state;
    const answered = (node: NodeId): number =>
      node === id ? this.round : (this.replication.peers.get(node)?.answeredRound ?? 0);
    this.reads.confirm(reachedByQuorum(configuration, answered));
  }

  /** @returns whether it has moved, and all peers were told */
  private advanceCommit(): boolean {
    const { log, term, configuration } = this.state;
    const before = log.commit;
    const index = reachedByQuorum(configuration, (node) => this.replication.matched(node));
    // An entry of an earlier term is committed only by one of this term after it (Figure 8).
    if (log.termAt(index) !== term || !log.commitTo(index)) return false;
    this.proposals.committed(log.commit);
    const mustGo = this.membership.committed();
    this.replication.replicate();
    // Those who were removed have been sent the commit of it, as far as they were reachable.
    if (log.configurationIndex > before && log.configurationIndex <= log.commit) this.replication.dismiss();
    if (mustGo) {
      this.handOver();
      this.resign('it was removed from the group');
      return true;
    }
    this.advanceReads();
    this.transfer?.advance(this.replication.matched(this.transfer.to));
    return true;
  }

  /** A removed leader does not make the others wait for an election. */
  private handOver(): void {
    const { log, configuration, out, term } = this.state;
    const heir = configuration.voters.find((node) => this.replication.matched(node) === log.last);
    if (heir !== undefined) out.send(heir, { kind: 'timeoutNow', term }, 'nothing');
  }

  private refuseDuringTransfer(call: number): void {
    const { to } = this.transfer!;
    this.state.fail(call, failure('NOT_LEADER', `Leadership is passing to ${to}.`, { details: { leader: to } }));
  }
}
