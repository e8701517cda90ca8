import { type EventAt, type LogLevel, logged } from '#model';
import type { Entry, NodeId, RaftEffect, RaftMessage, SnapshotMeta } from './contract.js';
import type { RaftLog } from './log.js';

type Send = Extract<RaftEffect, { type: 'send' }>;
export type Settled = Extract<RaftEffect, { type: 'settled' }>;
type Chunk = Omit<Extract<RaftEffect, { type: 'storeChunk' }>, 'type' | 'token'>;

/** What a message must wait for: nothing, that term and vote are on disk, or that everything until now is. */
export type After = 'nothing' | 'hardState' | 'everything';

/**
 * The effects of one step, and the one place that knows what must be on disk before what is said. A step writes at most
 * once, so term and vote, or truncation and entries, can never come apart.
 */
export class Outbox {
  private lastToken = 0;
  private syncedToken = 0;
  /** Of the last write of term and vote. */
  private hardStateToken = 0;
  private hardStateChanged = false;
  private chunk: Chunk | undefined;
  private readonly notes: RaftEffect[] = [];
  private readonly sends: { send: Send; after: After }[] = [];
  private readonly settlements: RaftEffect[] = [];
  private readonly reads: RaftEffect[] = [];
  /** Ascending by token. */
  private waiting: { send: Send; token: number }[] = [];
  private lastLeadership = { term: -1, leading: false, leader: undefined as NodeId | undefined };

  send(to: NodeId, message: RaftMessage, after: After): void {
    this.sends.push({ send: { type: 'send', to, message }, after });
  }

  settle(call: number, outcome: Settled['outcome']): void {
    this.settlements.push({ type: 'settled', call, outcome });
  }

  log<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields: Record<string, unknown>): void {
    this.notes.push(logged(level, event, fields));
  }

  readChunk(to: NodeId, meta: SnapshotMeta, offset: number): void {
    this.reads.push({ type: 'readChunk', to, meta, offset });
  }

  storeChunk(chunk: Chunk): void {
    this.chunk = chunk;
  }

  changeHardState(): void {
    this.hardStateChanged = true;
  }

  /** The token that this step's write will have. */
  get nextToken(): number {
    return this.lastToken + 1;
  }

  /** Messages of an earlier term are of no use to anybody any more. */
  synced(token: number, term: number): void {
    this.syncedToken = Math.max(this.syncedToken, token);
    const rest: typeof this.waiting = [];
    for (const waiting of this.waiting) {
      if (waiting.token > this.syncedToken) rest.push(waiting);
      else if (waiting.send.message.term === term) this.sends.push({ send: waiting.send, after: 'nothing' });
    }
    this.waiting = rest;
  }

  /**
   * In the order in which the host performs them: what concerns people, the write, what may be sent beside it, then
   * what was decided and what is to be applied.
   */
  flush(state: {
    term: number;
    vote: NodeId | null;
    leader: NodeId | undefined;
    leading: boolean;
    log: RaftLog;
    wakeAtMs: number | undefined;
  }): RaftEffect[] {
    const effects = this.notes.splice(0);
    const { term, vote, leader, leading, log } = state;
    const last = this.lastLeadership;
    if (last.term !== term || last.leading !== leading || last.leader !== leader) {
      this.lastLeadership = { term, leading, leader };
      effects.push({ type: 'leadership', term, leading, leader });
    }
    this.write(effects, term, vote, log);
    for (const { send, after } of this.sends.splice(0)) {
      const token = after === 'nothing' ? 0 : after === 'hardState' ? this.hardStateToken : this.lastToken;
      if (token > this.syncedToken) this.waiting.push({ send, token });
      else effects.push(send);
    }
    effects.push(...this.settlements.splice(0));
    const entries: Entry[] = log.takeCommitted();
    if (entries.length > 0) effects.push({ type: 'apply', entries });
    effects.push(...this.reads.splice(0));
    if (state.wakeAtMs !== undefined) effects.push({ type: 'wake', atMs: state.wakeAtMs });
    return effects;
  }

  private write(effects: RaftEffect[], term: number, vote: NodeId | null, log: RaftLog): void {
    const write = log.takeWrite();
    if (this.hardStateChanged || write.entries || write.truncateFrom !== undefined) {
      const token = ++this.lastToken;
      const hardState = this.hardStateChanged ? { hardState: { term, vote } } : {};
      if (this.hardStateChanged) this.hardStateToken = token;
      this.hardStateChanged = false;
      log.writing(token);
      effects.push({ type: 'persist', token, ...hardState, ...write });
    }
    if (this.chunk) {
      const token = ++this.lastToken;
      // The log in memory is the snapshot's from now on; the disk's is with this write and no other.
      if (this.chunk.last) log.install(this.chunk.meta);
      log.writing(token);
      effects.push({ type: 'storeChunk', token, ...this.chunk });
      this.chunk = undefined;
    }
  }
}
