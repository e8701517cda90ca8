import type { Entry, NodeId, RaftMessage } from './contract.js';
import { SnapshotReceiver } from './snapshot-receiver.js';
import type { RaftState } from './state.js';

type Append = Extract<RaftMessage, { kind: 'append' }>;
type SnapshotChunk = Extract<RaftMessage, { kind: 'snapshot' }>;

/** What a node does with what its leader sends. The term of the message is this node's. */
export class Following {
  private readonly receiver: SnapshotReceiver;

  constructor(private readonly state: RaftState) {
    this.receiver = new SnapshotReceiver(state);
  }

  append(from: NodeId, append: Append): void {
    const { log } = this.state;
    if (!isWellFormed(append)) {
      this.state.note('error', 'raft-append-refused', { from, previousIndex: append.previousIndex });
      return;
    }
    let { previousIndex, entries } = append;
    // What is committed is the same in every leader's log, so there is nothing to compare before it; and some of it may
    // be gone here, which is not a conflict.
    if (previousIndex < log.commit) {
      entries = entries.slice(log.commit - previousIndex);
      previousIndex = log.commit;
    } else if (log.termAt(previousIndex) !== append.previousTerm) {
      this.disagree(from, append);
      return;
    }
    const firstNew = entries.findIndex(({ index, term }) => log.termAt(index) !== term);
    if (firstNew >= 0) this.take(entries.slice(firstNew));
    const verified = previousIndex + entries.length;
    // Beyond what this append has verified, the log may hold what an earlier leader left there.
    log.commitTo(Math.min(append.commit, verified));
    this.acknowledge(from, append.round, verified, entries.length > 0);
  }

  snapshot(from: NodeId, chunk: SnapshotChunk): void {
    const { log } = this.state;
    const { meta } = chunk;
    // The log holds all that the snapshot does: the leader goes on from here.
    if (meta.index > log.commit && log.termAt(meta.index) === meta.term) log.commitTo(meta.index);
    if (meta.index <= log.commit) this.acknowledge(from, chunk.round, log.commit, false);
    else this.receiver.receive(from, chunk);
  }

  private take(entries: Entry[]): void {
    const { log } = this.state;
    const from = entries[0]!.index;
    if (from <= log.last) log.truncate(from);
    log.append(entries);
  }

  private disagree(from: NodeId, append: Append): void {
    const { log, out, term } = this.state;
    const index = Math.max(
      log.commit,
      log.lastWithTermAtMost(Math.min(append.previousIndex, log.last), append.previousTerm),
    );
    const conflict = { index, term: log.termAt(index)! };
    const matched = Math.min(log.commit, log.durable);
    out.send(from, { kind: 'appendAnswer', term, round: append.round, matched, conflict }, 'hardState');
  }

  /**
   * An append with entries is answered when they are on disk. One without says what is on disk by now and is answered
   * at once, so that a slow disk does not make a leader think that nobody follows it.
   */
  private acknowledge(from: NodeId, round: number, verified: number, hasEntries: boolean): void {
    const { log, out, term } = this.state;
    const isDurable = verified <= log.durable;
    const matched = hasEntries ? verified : Math.min(verified, log.durable);
    out.send(
      from,
      { kind: 'appendAnswer', term, round, matched },
      isDurable || !hasEntries ? 'hardState' : 'everything',
    );
  }
}

function isWellFormed({ term, previousIndex, previousTerm, entries }: Append): boolean {
  let lastTerm = previousTerm;
  return entries.every((entry, i) => {
    const follows = entry.index === previousIndex + 1 + i && entry.term >= lastTerm && entry.term <= term;
    lastTerm = entry.term;
    return follows;
  });
}
