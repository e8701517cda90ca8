import type { NodeId, RaftMessage, SnapshotMeta } from './contract.js';
import type { RaftState } from './state.js';

type SnapshotChunk = Extract<RaftMessage, { kind: 'snapshot' }>;

/**
 * Receives a snapshot chunk by chunk, in order, from one leader; the host keeps the chunks aside. Only the last one
 * changes anything, and it changes all at once: until it is on disk, a crash leaves the log as it was.
 */
export class SnapshotReceiver {
  private incoming: { term: number; meta: SnapshotMeta; nextOffset: number } | undefined;

  constructor(private readonly state: RaftState) {}

  receive(from: NodeId, chunk: SnapshotChunk): void {
    const { out, term } = this.state;
    const { meta, offset, bytes, last, round } = chunk;
    if (offset === 0 && !this.isUnderWay(meta)) this.incoming = { term, meta, nextOffset: 0 };
    const incoming = this.isUnderWay(meta) ? this.incoming! : undefined;
    if (incoming && offset === incoming.nextOffset) {
      incoming.nextOffset += bytes.length;
      out.storeChunk({ meta, offset, bytes, last });
      if (last) {
        this.incoming = undefined;
        this.state.note('info', 'raft-snapshot-received', { from, index: meta.index, bytes: offset + bytes.length });
        out.send(from, { kind: 'appendAnswer', term, round, matched: meta.index }, 'everything');
        return;
      }
    }
    const nextOffset = incoming?.nextOffset ?? 0;
    out.send(from, { kind: 'snapshotAnswer', term, round, index: meta.index, nextOffset }, 'everything');
  }

  /** A term has one leader, and an index that is committed one term. */
  private isUnderWay({ index }: SnapshotMeta): boolean {
    return this.incoming?.term === this.state.term && this.incoming.meta.index === index;
  }
}
