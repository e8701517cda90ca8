import type { Entry, NodeId, Restored, SnapshotMeta } from '#consensus';
import type { Random } from '#model';
import type { VirtualClock } from '#sim';
import { LogView } from './log-view.js';

export interface HardState {
  term: number;
  vote: NodeId | null;
}

/** Each is atomic. A snapshot takes several: its chunks, and at last the pointer that makes it count. */
export type DiskWrite =
  | { kind: 'persist'; hardState?: Partial<HardState>; truncateFrom?: number; entries?: readonly Entry[] }
  | { kind: 'chunk'; meta: SnapshotMeta; offset: number; bytes: Uint8Array }
  | { kind: 'pointer'; meta: SnapshotMeta; size: number };

export interface StoredSnapshot {
  meta: SnapshotMeta;
  size: number;
  bytes: Uint8Array;
}

interface Pending {
  write: DiskWrite;
  /** `last`: of what is persisted for the log in one sync. */
  done: (last: boolean) => void;
}

/**
 * A node's disk. It syncs one batch at a time; what is asked for meanwhile goes into the next one. A crash loses what a
 * real disk may lose: of the writes not yet acknowledged, those from some point on. Writes are in order and whole, and
 * an acknowledged one is never lost.
 */
export class RaftDisk {
  hardState: HardState = { term: 0, vote: null };
  readonly log = new LogView();
  snapshot: StoredSnapshot | undefined;
  /** Syncs take this many times as long. */
  slowness = 1;
  /** The next sync fails. */
  failing = false;
  private chunks = new Map<string, { offset: number; bytes: Uint8Array }[]>();
  private pending: Pending[] = [];
  private cancelSync: (() => void) | undefined;

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
    private readonly onWritten: (write: DiskWrite, before: HardState) => void,
    private readonly onFailed: () => void,
  ) {}

  get busy(): boolean {
    return this.pending.length > 0;
  }

  write(write: DiskWrite, done: (last: boolean) => void): void {
    this.pending.push({ write, done });
    if (!this.cancelSync) this.sync();
  }

  /** Power fails, or the process does after a write has: answers how many of the writes that nobody was told of survived, and how many did not. */
  crash(): { survived: number; lost: number } {
    this.cancelSync?.();
    this.cancelSync = undefined;
    const pending = this.pending;
    this.pending = [];
    const survived = Math.floor(this.random() * (pending.length + 1));
    for (const { write } of pending.slice(0, survived)) this.apply(write);
    return { survived, lost: pending.length - survived };
  }

  /** What a node finds when it starts. Chunks that no pointer points to are gone. */
  read(): Restored {
    this.chunks.clear();
    return {
      ...this.hardState,
      snapshot: this.snapshot?.meta ?? null,
      entries: [...this.log.all],
    };
  }

  private sync(): void {
    const count = this.pending.length;
    const syncMs = (this.random() < 0.03 ? 5 + this.random() * 60 : 0.2 + this.random() * 2) * this.slowness;
    this.cancelSync = this.clock.at(this.clock.nowMs() + syncMs, () => {
      this.cancelSync = undefined;
      if (this.failing) {
        this.failing = false;
        return this.onFailed();
      }
      const batch = this.pending.splice(0, count);
      for (const { write } of batch) this.apply(write);
      if (this.pending.length > 0) this.sync();
      const last = batch.findLast(({ write }) => write.kind === 'persist');
      for (const pending of batch) pending.done(pending === last);
    });
  }

  private apply(write: DiskWrite): void {
    const before = this.hardState;
    if (write.kind === 'persist') {
      if (write.hardState) this.hardState = { ...before, ...write.hardState };
      if (write.truncateFrom !== undefined) this.log.truncateFrom(write.truncateFrom);
      if (write.entries) this.log.put(write.entries);
    } else {
      const key = `${write.meta.index}@${write.meta.term}`;
      if (write.kind === 'chunk') {
        const chunks = this.chunks.get(key)?.filter(({ offset }) => offset < write.offset) ?? [];
        this.chunks.set(key, [...chunks, { offset: write.offset, bytes: write.bytes }]);
        if (this.snapshot && keyOf(this.snapshot.meta) === key) this.snapshot.bytes = this.assemble(key);
      } else if (write.meta.index > (this.snapshot?.meta.index ?? 0)) {
        this.snapshot = { meta: write.meta, size: write.size, bytes: this.assemble(key) };
        this.log.rebase(write.meta);
        this.chunks = new Map([[key, this.chunks.get(key) ?? []]]);
      }
    }
    this.onWritten(write, before);
  }

  private assemble(key: string): Uint8Array {
    return concat((this.chunks.get(key) ?? []).map(({ bytes }) => bytes));
  }
}

export function keyOf(meta: SnapshotMeta): string {
  return `${meta.index}@${meta.term}`;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
