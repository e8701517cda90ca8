import { RegistryError } from '#model';
import { crc32 } from './checksum.js';
import type { FoundLog, LogSnapshot, LogStore, LogWrite } from './contract.js';
import type { Link, SnapshotPointer, Vote, Witness } from './log-format.js';
import { CHUNKS_END, KEYS, encodeRun, linkOfSnapshot, seal } from './log-format.js';
import { corruption, isDamage, loadLog } from './log-loader.js';
import type { RecordOperation, Records } from './records.js';

const CHUNK_BYTES = 256 * 1024;

/**
 * A {@link LogStore} over any {@link Records}. Writes happen one after the other, in the order they were asked for, and
 * each is durable before its promise resolves:
 *
 * - `write` is one batch: term and vote, the runs removed, the entries added as a run, and the head, which says what the
 *   last entry is.
 * - `saveSnapshot` writes the chunks, then in one batch the pointer to them. A crash in between leaves the old snapshot or
 *   the new one. What the pointer covers is deleted afterwards, beside the writes that follow; leftovers of a crash are
 *   deleted by the next `open`.
 *
 * A medium may lose the end of what it had acknowledged and not notice: LevelDB reads a damaged write-ahead log as one
 * that ends early. The witness, which follows each write a moment later and elsewhere, lets `open` notice.
 */
export class RecordLogStore implements LogStore {
  private stage: 'new' | 'open' | 'closed' = 'new';
  private failure: RegistryError | undefined;
  private queue: Promise<void> = Promise.resolve();
  /** The deletion under way; there is one at most. */
  private clearing: Promise<void> = Promise.resolve();
  private vote: Vote = { term: 0, vote: null };
  private pointer: SnapshotPointer | null = null;
  /** Of the entries after the snapshot. */
  private links: Link[] = [];
  /** Where the runs begin in which they are, ascending. */
  private runs: number[] = [];

  constructor(private readonly records: Records) {}

  async open(): Promise<FoundLog> {
    if (this.stage !== 'new') throw new RegistryError('INTERNAL', 'A log store is opened once.');
    const named = (error: unknown, what: string): unknown =>
      isDamage(error) ? corruption(this.records.location, `${what} (${error.details.reason})`) : error;
    await this.records.open().catch((error: unknown) => {
      throw named(error, 'the records in it cannot be opened');
    });
    try {
      const { vote, pointer, links, runs, snapshot, entries } = await loadLog(this.records);
      this.vote = vote;
      this.pointer = pointer;
      this.links = links;
      this.runs = runs;
      this.stage = 'open';
      await this.discardLeftovers().catch((error: unknown) => {
        throw named(error, 'records that are needed no longer cannot be read');
      });
      return { ...vote, snapshot, entries };
    } catch (error) {
      this.stage = 'closed';
      await this.records.close();
      throw error;
    }
  }

  write({ hardState, truncateFrom, entries = [] }: LogWrite): Promise<void> {
    return this.inOrder(async () => {
      const keep = truncateFrom === undefined ? this.lastIndex : truncateFrom - 1;
      if (keep < this.firstIndex - 1 || keep > this.lastIndex)
        throw defect(`cannot truncate from ${truncateFrom}: the log has ${this.firstIndex} to ${this.lastIndex}`);
      let index = keep;
      for (const entry of entries)
        if (entry.index !== ++index) throw defect(`entry ${entry.index} does not follow entry ${index - 1}`);
      const operations: RecordOperation[] = [];
      const runs = this.runs.filter((first) => first <= keep);
      for (const first of this.runs.slice(runs.length)) operations.push({ type: 'del', key: KEYS.run(first) });
      const { run, links } = encodeRun(entries, this.checksumAt(keep));
      if (links.length > 0) {
        runs.push(keep + 1);
        operations.push({ type: 'put', key: KEYS.run(keep + 1), value: run });
      }
      if (links.length > 0 || keep < this.lastIndex)
        operations.push(headRecord(index, links.at(-1)?.checksum ?? this.checksumAt(keep)));
      if (hardState) operations.push({ type: 'put', key: KEYS.vote, value: seal(hardState) });
      if (operations.length === 0) return;
      // What is to be removed must no longer be vouched for when it goes.
      if (keep < this.lastIndex) await this.durably(() => this.records.writeWitness(this.witness(keep)));
      await this.durably(() => this.records.write(operations));
      this.links.length = keep - this.firstIndex + 1;
      for (const link of links) this.links.push(link);
      this.runs = runs;
      if (hardState) this.vote = { term: hardState.term, vote: hardState.vote };
      this.note();
    });
  }

  saveSnapshot(snapshot: LogSnapshot): Promise<void> {
    return this.inOrder(async () => {
      const { index, term, payload } = snapshot;
      await this.clearing;
      if (this.failure) throw this.failure;
      if (index < this.firstIndex) throw defect(`the snapshot at ${index} is not newer than ${this.firstIndex - 1}`);
      const chunks = Math.ceil(payload.length / CHUNK_BYTES);
      for (let number = 0; number < chunks; number++) {
        const value = payload.subarray(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
        const chunk: RecordOperation = { type: 'put', key: KEYS.chunk(index, number), value };
        await this.durably(() => this.records.write([chunk]));
      }
      const covered = this.links[index - this.firstIndex];
      // Where the log has another entry at this index, what follows it belongs to that other history.
      const isConflict = covered !== undefined && covered.term !== term;
      const link = covered && !isConflict ? covered.checksum : linkOfSnapshot(snapshot);
      const pointer = { index, term, link, chunks, bytes: payload.length, checksum: crc32(payload) };
      const operations: RecordOperation[] = [{ type: 'put', key: KEYS.snapshot, value: seal(pointer) }];
      if (!covered || isConflict) operations.push(headRecord(index, link));
      if (isConflict) {
        for (const first of this.runs) if (first > index) operations.push({ type: 'del', key: KEYS.run(first) });
        await this.durably(() => this.records.writeWitness(this.witness(this.firstIndex - 1)));
      }
      await this.durably(() => this.records.write(operations));
      this.links = isConflict ? [] : this.links.slice(index - this.firstIndex + 1);
      this.pointer = pointer;
      this.runs = this.runs.filter((_, i) => index < Math.min((this.runs[i + 1] ?? Infinity) - 1, this.lastIndex));
      this.note();
      this.clearing = this.durably(() => this.discardCovered()).catch(() => {});
    });
  }

  close(): Promise<void> {
    if (this.stage === 'closed') return this.queue;
    const isOpen = this.stage === 'open';
    this.stage = 'closed';
    this.queue = this.queue.then(async () => {
      if (!isOpen) return;
      await this.clearing;
      if (!this.failure) await this.records.writeWitness(this.witness(this.lastIndex)).catch(() => {});
      await this.records.close();
    });
    return this.queue;
  }

  /** The first index that the log has, or would have if it is empty. */
  private get firstIndex(): number {
    return (this.pointer?.index ?? 0) + 1;
  }

  private get lastIndex(): number {
    return this.firstIndex + this.links.length - 1;
  }

  private checksumAt(index: number): number {
    return this.links[index - this.firstIndex]?.checksum ?? this.pointer?.link ?? 0;
  }

  private witness(index: number): Uint8Array {
    return seal({ index, checksum: this.checksumAt(index), ...this.vote } satisfies Witness);
  }

  private note(): void {
    this.records.noteWitness(this.witness(this.lastIndex));
  }

  /** What the snapshot has taken the place of. Nothing is written there any more. */
  private async discardCovered(): Promise<void> {
    const current = this.firstIndex - 1;
    await this.records.discard(KEYS.run(0), KEYS.run(this.runs[0] ?? this.firstIndex));
    await this.records.discard(KEYS.chunksOf(0), KEYS.chunksOf(current));
  }

  /** That, and the chunks of a snapshot that was never finished. */
  private async discardLeftovers(): Promise<void> {
    await this.discardCovered();
    await this.records.discard(KEYS.chunksOf(this.firstIndex), CHUNKS_END);
  }

  private inOrder(work: () => Promise<void>): Promise<void> {
    if (this.stage !== 'open')
      return Promise.reject(new RegistryError('SHUTTING_DOWN', `The log in ${this.records.location} is not open.`));
    const done = this.queue.then(() => {
      if (this.failure) throw this.failure;
      return work();
    });
    this.queue = done.catch(() => {});
    return done;
  }

  /**
   * A failed write is final. What is on disk is unknown from then on, and a second attempt that succeeds proves
   * nothing about the first: the kernel reports an error of writing back once and then forgets it.
   */
  private async durably(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.failure =
        error instanceof RegistryError
          ? error
          : new RegistryError('STORE_FAILED', `Writing the log in ${this.records.location} failed: ${String(error)}`, {
              cause: error,
            });
      throw this.failure;
    }
  }
}

function headRecord(index: number, checksum: number): RecordOperation {
  return { type: 'put', key: KEYS.head, value: seal({ index, checksum }) };
}

/** The caller broke the contract; nothing has been written. */
function defect(what: string): RegistryError {
  return new RegistryError('INTERNAL', `The log store was used wrongly: ${what}.`);
}
