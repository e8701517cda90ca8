import type { NodeId, RaftEvent } from './contract.js';
import type { Progress } from './progress.js';
import type { RaftState } from './state.js';

type Chunk = Extract<RaftEvent, { type: 'chunk' }>;

/** Sends the newest snapshot to peers that need entries which are gone here: one chunk, its answer, the next chunk. */
export class SnapshotSender {
  constructor(
    private readonly state: RaftState,
    private readonly currentRound: () => number,
  ) {}

  begin(to: NodeId, peer: Progress): void {
    const meta = this.state.log.snapshot;
    if (!meta) return;
    peer.sendSnapshot(meta, this.state.nowMs);
    this.state.note('info', 'raft-snapshot-begun', { to, index: meta.index });
    this.state.out.readChunk(to, meta, 0);
  }

  /** The host may answer with a newer snapshot, from its beginning, when it no longer has the one asked for. */
  send(peer: Progress, { to, meta, offset, bytes, last }: Chunk): void {
    const { out, term, nowMs } = this.state;
    const sending = peer.snapshot;
    if (!sending || sending.stage !== 'reading') return;
    const isOther = meta.index !== sending.meta.index;
    if (isOther && meta.index > sending.meta.index) peer.sendSnapshot(meta, nowMs);
    if (offset !== peer.snapshot!.offset || meta.index < sending.meta.index) {
      if (isOther) out.readChunk(to, peer.snapshot!.meta, 0);
      return;
    }
    peer.snapshot = { meta, offset, stage: 'sent', sinceMs: nowMs };
    out.send(to, { kind: 'snapshot', term, meta, offset, bytes, last, round: this.currentRound() }, 'nothing');
  }

  answered(to: NodeId, peer: Progress, index: number, nextOffset: number): void {
    const sending = peer.snapshot;
    // While a chunk is being read, an answer can only repeat what led to the reading.
    if (!sending || sending.stage === 'reading' || index !== sending.meta.index) return;
    this.read(to, peer, nextOffset);
  }

  /** A chunk or its answer was lost, or the host had nothing to give. */
  resend(to: NodeId, peer: Progress): void {
    const { nowMs, limits, log } = this.state;
    const sending = peer.snapshot;
    if (!sending || nowMs - sending.sinceMs < limits.electionMaxMs || !isHeard(peer, nowMs, limits.checkQuorumMs))
      return;
    if (sending.stage === 'reading' && log.snapshot && log.snapshot.index > sending.meta.index) this.begin(to, peer);
    else this.read(to, peer, sending.offset);
  }

  private read(to: NodeId, peer: Progress, offset: number): void {
    const { meta } = peer.snapshot!;
    peer.snapshot = { meta, offset, stage: 'reading', sinceMs: this.state.nowMs };
    this.state.out.readChunk(to, meta, offset);
  }
}

function isHeard(peer: Progress, nowMs: number, withinMs: number): boolean {
  return nowMs - peer.activeMs < withinMs;
}
