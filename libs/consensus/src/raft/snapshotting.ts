import { RegistryError } from '#model';
import type { Applier, Waiter } from './applier.js';
import type { RaftEffect, RaftEvent, SnapshotMeta } from './contract.js';
import { decodeSnapshot } from './formats.js';
import type { LogWriter } from './log-writer.js';
import { SnapshotCollector, SnapshotSource } from './snapshots.js';

interface SnapshotLimits {
  snapshotEveryEntries: number;
  snapshotBytes: number;
  chunkBytes: number;
}

/**
 * The snapshots of one node: taken from its own state, given to peers, received from the leader. Each goes through the
 * log writer, so it becomes durable after the entries it covers and before those that follow it, and only then is it
 * told to the core, given to others, or made this node's state.
 */
export class Snapshotting {
  private readonly source: SnapshotSource;
  private readonly collector: SnapshotCollector;
  /** Those who wait for the snapshot that is being saved; undefined when none is. */
  private saving: Waiter<number>[] | undefined;
  /** Those who came while it was: it may lack what they have seen applied. */
  private afterwards: Waiter<number>[] = [];
  private installing = false;

  constructor(
    private readonly applier: Applier<unknown, unknown, unknown>,
    private readonly writer: LogWriter,
    private readonly limits: SnapshotLimits,
    private readonly tell: (event: RaftEvent) => void,
    found: { meta: SnapshotMeta; bytes: Uint8Array } | undefined,
  ) {
    this.source = new SnapshotSource(found, limits.chunkBytes);
    this.collector = new SnapshotCollector(limits.snapshotBytes);
  }

  /** Of the newest durable snapshot. */
  get index(): number {
    return this.source.index;
  }

  takeIfDue(): void {
    const isDue = this.applier.index - this.index >= this.limits.snapshotEveryEntries;
    if (isDue && !this.saving && !this.installing) this.take([]);
  }

  /** Answers with the index of a snapshot that holds everything applied before the call. */
  takeNow(waiter: Waiter<number>): void {
    if (this.saving) this.afterwards.push(waiter);
    else this.takeFor([waiter]);
  }

  readChunk({ to, meta, offset }: Extract<RaftEffect, { type: 'readChunk' }>): void {
    const chunk = this.source.chunk(meta, offset);
    if (chunk) this.tell({ type: 'chunk', to, ...chunk });
  }

  /**
   * The last chunk makes the snapshot durable and then this node's state: all of it, or, after a crash, none.
   * @throws RegistryError when what has arrived is not a snapshot, or one larger than this node takes
   */
  storeChunk({ token, meta, offset, bytes, last }: Extract<RaftEffect, { type: 'storeChunk' }>): void {
    const whole = this.collector.add(meta, offset, bytes, last);
    if (!whole) {
      this.writer.persist({ token });
      return;
    }
    decodeSnapshot(whole);
    this.installing = true;
    this.writer.save({ index: meta.index, term: meta.term, payload: whole }, () => {
      this.installing = false;
      this.source.hold(meta, whole);
      this.applier.install(meta, whole);
      this.tell({ type: 'persisted', token });
    });
  }

  stop(error: RegistryError): void {
    for (const { reject } of [...(this.saving ?? []), ...this.afterwards]) reject(error);
    this.saving = undefined;
    this.afterwards = [];
  }

  private takeFor(waiters: Waiter<number>[]): void {
    if (this.installing) {
      const error = new RegistryError('PENDING', 'A snapshot from the leader is being installed.');
      for (const { reject } of waiters) reject(error);
    } else if (this.applier.index > this.index) this.take(waiters);
    else for (const { resolve } of waiters) resolve(this.index);
  }

  private take(waiters: Waiter<number>[]): void {
    const { meta, bytes } = this.applier.snapshot();
    this.saving = waiters;
    this.writer.save({ index: meta.index, term: meta.term, payload: bytes }, () => {
      this.saving = undefined;
      this.source.hold(meta, bytes);
      this.tell({ type: 'compacted', meta });
      for (const { resolve } of waiters) resolve(this.index);
      const next = this.afterwards.splice(0);
      if (next.length > 0) this.takeFor(next);
    });
  }
}
