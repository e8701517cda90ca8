import type { Random } from '#model';
import type { Configuration, Entry, NodeId, RaftEffect, RaftLimits, Restored, SnapshotMeta } from './contract.js';
import { RaftCore } from './core.js';

export type Effect<T extends RaftEffect['type']> = Extract<RaftEffect, { type: T }>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const bytes = (of: string): Uint8Array => encoder.encode(of);
export const text = (of: Uint8Array): string => decoder.decode(of);

/** What survives a crash. The state machine is the list of the commands applied. */
export class Disk {
  term = 0;
  vote: NodeId | null = null;
  snapshot: { meta: SnapshotMeta; state: string[] } | null = null;
  entries: Entry[] = [];

  get restored(): Restored {
    const { term, vote, snapshot, entries } = this;
    return { term, vote, snapshot: snapshot?.meta ?? null, entries: [...entries] };
  }

  write({ hardState, truncateFrom, entries = [] }: Effect<'persist'>): void {
    if (hardState) {
      const { term, vote } = hardState;
      const isBackwards = term < this.term || (term === this.term && this.vote !== null && vote !== this.vote);
      if (isBackwards) throw new Error(`From term ${this.term}, vote ${this.vote} to term ${term}, vote ${vote}.`);
      Object.assign(this, { term, vote });
    }
    if (truncateFrom !== undefined) this.entries = this.entries.filter(({ index }) => index < truncateFrom);
    for (const entry of entries) {
      if (entry.index !== this.last + 1) throw new Error(`Entry ${entry.index} written after entry ${this.last}.`);
      this.entries.push(entry);
    }
  }

  save(meta: SnapshotMeta, state: string[]): void {
    const held = this.entries.find(({ index }) => index === meta.index);
    this.entries = held?.term === meta.term ? this.entries.filter(({ index }) => index > meta.index) : [];
    this.snapshot = { meta, state };
  }

  private get last(): number {
    return this.entries.at(-1)?.index ?? this.snapshot?.meta.index ?? 0;
  }
}

export class Member {
  readonly core: RaftCore;
  /** What the state machine has applied: commands only. */
  readonly state: string[];
  configuration: Configuration;
  applied: { index: number; term: number };
  wakeAtMs: number | undefined;
  stalledUntilMs = 0;
  diskIsSlow = false;
  readonly writes: (Effect<'persist'> | Effect<'storeChunk'>)[] = [];
  incoming: Uint8Array[] = [];

  constructor(
    readonly id: NodeId,
    readonly disk: Disk,
    bootstrap: Configuration,
    random: Random,
    limits: Partial<RaftLimits>,
  ) {
    const { restored } = disk;
    this.core = new RaftCore({ id, restored, bootstrap, random, limits });
    this.state = [...(disk.snapshot?.state ?? [])];
    this.configuration = restored.snapshot?.configuration ?? bootstrap;
    this.applied = { index: restored.snapshot?.index ?? 0, term: restored.snapshot?.term ?? 0 };
  }
}

/** `3@2 x`: the command x at index 3 of term 2. */
export function describe(entry: Entry): string {
  const at = `${entry.index}@${entry.term}`;
  if (entry.kind === 'noop') return at;
  if (entry.kind === 'command') return `${at} ${text(entry.payload)}`;
  const { voters, outgoing, learners } = entry.configuration;
  return `${at} [${voters.join()}${outgoing ? `|${outgoing.join()}` : ''}${learners.length > 0 ? `+${learners.join()}` : ''}]`;
}
