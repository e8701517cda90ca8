import { seededRandom } from '#model';
import type {
  Configuration,
  Entry,
  NodeId,
  RaftEffect,
  RaftEvent,
  RaftLimits,
  RaftMessage,
  Restored,
  SnapshotMeta,
} from './contract.js';
import { RaftCore } from './core.js';
import { bytes, describe } from './member.harness.js';

export interface DrivenOptions extends Partial<Restored> {
  configuration?: Configuration;
  limits?: Partial<RaftLimits>;
  seed?: number;
}

export const noop = (index: number, term: number): Entry => ({ kind: 'noop', index, term });
export const command = (index: number, term: number, text = 'x'): Entry => ({
  kind: 'command',
  index,
  term,
  payload: bytes(text),
});

/** Entries of these terms from index 1 on, as the paper draws logs. */
export const terms = (...ofEntries: number[]): Entry[] => ofEntries.map((term, i) => noop(i + 1, term));

type Append = Extract<RaftMessage, { kind: 'append' }>;

export function append(term: number, fields: Partial<Append> = {}): Append {
  return { kind: 'append', term, previousIndex: 0, previousTerm: 0, entries: [], commit: 0, round: 1, ...fields };
}

/**
 * One core, called n1, in a group of three, driven by hand. What it does is read as lines; wakes, logs and leadership
 * are left out, and writes are on disk only when the test says so.
 */
export class Driven {
  readonly core: RaftCore;
  nowMs = 0;
  wakeAtMs = Infinity;
  private readonly tokens: number[] = [];

  constructor(options: DrivenOptions = {}) {
    const { term = 0, vote = null, snapshot = null, entries = [], limits, seed = 1 } = options;
    const bootstrap = options.configuration ?? { voters: ['n1', 'n2', 'n3'], learners: [] };
    const random = seededRandom(seed);
    const restored = { term, vote, snapshot, entries };
    this.core = new RaftCore({ id: 'n1', restored, bootstrap, random, ...(limits && { limits }) });
    this.step({ type: 'start' });
  }

  get status(): ReturnType<RaftCore['status']> {
    return this.core.status();
  }

  /** As the paper draws it: the terms of the entries. */
  get log(): number[] {
    const { first, last } = this.status;
    return Array.from({ length: last - first + 1 }, (_, i) => this.core.entryAt(first + i)!.term);
  }

  effects(event: RaftEvent): RaftEffect[] {
    const effects = this.core.step(this.nowMs, event);
    for (const effect of effects) {
      if (effect.type === 'wake') this.wakeAtMs = effect.atMs;
      if (effect.type === 'persist' || effect.type === 'storeChunk') this.tokens.push(effect.token);
    }
    return effects;
  }

  step(event: RaftEvent): string[] {
    return this.effects(event).flatMap(line);
  }

  receive(from: NodeId, message: RaftMessage): string[] {
    return this.step({ type: 'received', from, message });
  }

  /** The disk has done all that it was given, or the first `count` of it. */
  sync(count = this.tokens.length): string[] {
    return this.tokens.splice(0, count).flatMap((token) => this.step({ type: 'persisted', token }));
  }

  /** Time passes; the node is woken whenever it asked to be. */
  pass(ms: number): string[] {
    const endMs = this.nowMs + ms;
    const lines: string[] = [];
    while (this.wakeAtMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.wakeAtMs = Infinity;
      lines.push(...this.step({ type: 'wake' }));
    }
    this.nowMs = endMs;
    return lines;
  }

  /** Until it stands for election. */
  timeOut(): string[] {
    const { term, role } = this.status;
    for (;;) {
      const lines = this.pass(1);
      if (this.status.role === 'preCandidate' && (role !== 'preCandidate' || lines.length > 0)) return lines;
      if (this.nowMs > 100_000) throw new Error(`In term ${term} nothing happened.`);
    }
  }

  /** Makes it a candidate of the next term, everything synced. */
  stand(): string[] {
    this.timeOut();
    const { term } = this.status;
    this.receive('n2', { kind: 'preVoteAnswer', term: term + 1, granted: true });
    return this.sync();
  }

  /** Makes it the leader of the next term, its first entries synced. */
  lead(): string[] {
    this.stand();
    const lines = this.receive('n2', { kind: 'voteAnswer', term: this.status.term, granted: true });
    this.sync();
    return lines;
  }

  /** A peer has everything to `matched` on its disk. */
  acknowledge(from: NodeId, matched: number, round = 1): string[] {
    return this.receive(from, { kind: 'appendAnswer', term: this.status.term, round, matched });
  }

  /** The leader's first entries are everywhere. */
  commitFirst(): void {
    const { last } = this.status;
    this.acknowledge('n2', last);
    this.acknowledge('n3', last);
  }

  propose(text: string, call = 1): string[] {
    return this.step({ type: 'propose', call, payload: bytes(text) });
  }
}

function line(effect: RaftEffect): string[] {
  switch (effect.type) {
    case 'persist': {
      const { hardState, truncateFrom, entries } = effect;
      const parts = [
        ...(hardState ? [`term ${hardState.term} vote ${hardState.vote}`] : []),
        ...(truncateFrom === undefined ? [] : [`truncate ${truncateFrom}`]),
        ...(entries ?? []).map(describe),
      ];
      return [`write ${parts.join(', ')}`];
    }
    case 'storeChunk':
      return [`store ${at(effect.meta)} offset ${effect.offset}${effect.last ? ' last' : ''}`];
    case 'send':
      return [`> ${effect.to} ${said(effect.message)}`];
    case 'apply':
      return [`apply ${effect.entries.map(describe).join(', ')}`];
    case 'readChunk':
      return [`read chunk for ${effect.to} ${at(effect.meta)} offset ${effect.offset}`];
    case 'settled': {
      const { call, outcome } = effect;
      return [`settled ${call} ${outcome.ok ? outcome.index : outcome.failure.code}`];
    }
    default:
      return [];
  }
}

const at = ({ index, term }: SnapshotMeta): string => `snapshot ${index}@${term}`;

function said(message: RaftMessage): string {
  const { kind, term } = message;
  switch (message.kind) {
    case 'preVote':
    case 'vote':
      return `${kind} ${term} last ${message.lastIndex}@${message.lastTerm}${message.transfer ? ' transfer' : ''}`;
    case 'preVoteAnswer':
    case 'voteAnswer':
      return `${kind} ${term} ${message.granted ? 'yes' : 'no'}`;
    case 'append': {
      const { previousIndex, previousTerm, entries, commit } = message;
      return `append ${term} after ${previousIndex}@${previousTerm} [${entries.map(describe).join(', ')}] commit ${commit}`;
    }
    case 'appendAnswer': {
      const { matched, conflict } = message;
      return `matched ${matched} in ${term}${conflict ? `, try ${conflict.index}@${conflict.term}` : ''}`;
    }
    case 'snapshot':
      return `${at(message.meta)} offset ${message.offset}${message.last ? ' last' : ''}`;
    case 'snapshotAnswer':
      return `snapshot ${message.index} next ${message.nextOffset}`;
    case 'timeoutNow':
      return `timeoutNow ${term}`;
  }
}
