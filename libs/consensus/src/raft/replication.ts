import { membersOf } from './configuration.js';
import type { NodeId, RaftEvent, RaftMessage } from './contract.js';
import { Progress } from './progress.js';
import { SnapshotSender } from './snapshot-sender.js';
import type { RaftState } from './state.js';

type AppendAnswer = Extract<RaftMessage, { kind: 'appendAnswer' }>;
type SnapshotAnswer = Extract<RaftMessage, { kind: 'snapshotAnswer' }>;
type Chunk = Extract<RaftEvent, { type: 'chunk' }>;

/** Brings the leader's log to every peer. */
export class Replication {
  /** All members but this node, and for a moment those that have just been removed, so that they learn of it. */
  readonly peers = new Map<NodeId, Progress>();
  private readonly snapshots: SnapshotSender;

  constructor(
    private readonly state: RaftState,
    private readonly currentRound: () => number,
  ) {
    this.snapshots = new SnapshotSender(state, currentRound);
    this.admit();
  }

  /** What of the log is on this member's disk. */
  matched(node: NodeId): number {
    if (node === this.state.id) return this.state.log.durable;
    return this.peers.get(node)?.matched ?? 0;
  }

  /** Whether the member followed this leader lately. */
  isActive(node: NodeId): boolean {
    const { id, nowMs, limits } = this.state;
    if (node === id) return true;
    const peer = this.peers.get(node);
    return peer !== undefined && nowMs - peer.activeMs < limits.checkQuorumMs;
  }

  /** The members of the configuration in force. */
  admit(): void {
    const { state } = this;
    for (const node of membersOf(state.configuration)) {
      if (node === state.id || this.peers.has(node)) continue;
      this.peers.set(node, new Progress(state.log.last + 1, state.nowMs, state.limits.appendsInFlight));
    }
  }

  dismiss(): void {
    const members = membersOf(this.state.configuration);
    for (const node of this.peers.keys()) if (!members.has(node)) this.peers.delete(node);
  }

  /** To all: sent even with nothing new to say, for each answer tells that the peer follows. */
  heartbeat(): void {
    for (const [id, peer] of this.peers) {
      const previousIndex = peer.next - 1;
      const previousTerm = peer.state === 'snapshot' ? undefined : this.state.log.termAt(previousIndex);
      // Where nothing is known to compare with, the peer's empty beginning always matches, and verifies nothing. Its
      // answer cannot tell that what is in flight was lost, so that is taken for lost.
      if (previousTerm === undefined) {
        peer.lost();
        this.sendAppend(id, peer, 0, 0, 0);
      } else this.sendAppend(id, peer, previousIndex, previousTerm, 0);
      this.snapshots.resend(id, peer);
    }
  }

  /** To all, as far as there is something that each may be sent now. */
  replicate(): void {
    for (const [id, peer] of this.peers) this.replicateTo(id, peer);
  }

  appendAnswered(from: NodeId, peer: Progress, answer: AppendAnswer): void {
    const { log } = this.state;
    if (answer.matched > log.last) {
      this.state.note('error', 'raft-impossible-answer', { from, matched: answer.matched, last: log.last });
      return;
    }
    if (answer.conflict) {
      const { index, term } = answer.conflict;
      peer.parts(index, log.lastWithTermAtMost(index, term) + 1);
    } else {
      peer.matches(answer.matched, log.base.index);
    }
  }

  snapshotAnswered(from: NodeId, peer: Progress, answer: SnapshotAnswer): void {
    this.snapshots.answered(from, peer, answer.index, answer.nextOffset);
  }

  chunk(chunk: Chunk): void {
    const peer = this.peers.get(chunk.to);
    if (peer) this.snapshots.send(peer, chunk);
  }

  replicateTo(id: NodeId, peer: Progress): void {
    const { log, limits } = this.state;
    while (!peer.paused && peer.next <= log.last) {
      const previousIndex = peer.next - 1;
      const previousTerm = log.termAt(previousIndex);
      if (previousTerm === undefined) {
        if (this.isActive(id)) this.snapshots.begin(id, peer);
        return;
      }
      this.sendAppend(id, peer, previousIndex, previousTerm, limits.appendBytes);
    }
    // With something in flight, the answer to it gives the occasion.
    if (peer.state === 'replicate' && peer.idle && peer.sentCommit < log.commit)
      this.sendAppend(id, peer, peer.next - 1, log.termAt(peer.next - 1)!, 0);
  }

  private sendAppend(id: NodeId, peer: Progress, previousIndex: number, previousTerm: number, maxBytes: number): void {
    const { log, out, term } = this.state;
    const entries = maxBytes > 0 ? log.slice(peer.next, maxBytes) : [];
    const { commit } = log;
    if (entries.length > 0) peer.sent(entries.at(-1)!.index);
    if (previousIndex + entries.length >= commit) peer.sentCommit = commit;
    const round = this.currentRound();
    const answered = peer.answeredRound > 0 ? { answered: peer.answeredRound } : {};
    // The entries may still be on the way to this leader's own disk: it counts itself only when they are there.
    out.send(id, { kind: 'append', term, previousIndex, previousTerm, entries, commit, round, ...answered }, 'nothing');
  }
}
