import { RegistryError } from '#model';
import { RecordLogStore } from './record-log-store.js';
import type { RecordOperation, Records } from './records.js';

/**
 * A disk in memory, with a disk's faults: power can fail before a write is synced, a write can fail, bits can flip,
 * records can vanish. It outlives the stores opened on it, as a folder outlives processes.
 */
export class MemoryDisk implements Records {
  readonly location = 'memory';
  private readonly durable = new Map<string, Uint8Array>();
  private witness: Uint8Array | undefined;
  private inUse = false;
  /** Rises when power fails, so that writes begun before do not complete after. */
  private powerCycles = 0;
  private unsynced: RecordOperation[][] = [];
  private writesUntilFailure = Infinity;
  private failure = { reached: 'nothing' as 'nothing' | 'everything', reason: '' };
  private gate: Promise<void> = Promise.resolve();
  private openGate = (): void => {};

  /** The nth write from now fails, although all of it may have got there: a caller cannot know. */
  failWrite(nth: number, reached: 'nothing' | 'everything' = 'nothing', reason = 'Input/output error'): void {
    this.writesUntilFailure = nth;
    this.failure = { reached, reason };
  }

  /** Writes begun from now on are not synced before `resume` is called. */
  pause(): () => void {
    this.gate = new Promise((resolve) => {
      this.openGate = resolve;
    });
    return this.openGate;
  }

  /** The disk may have got to writes it had not yet acknowledged, or not. */
  loseUnsynced(kept: 'nothing' | 'everything' = 'nothing'): void {
    if (kept === 'everything') for (const operations of this.unsynced) this.apply(operations);
    this.unsynced = [];
    this.powerCycles++;
    this.inUse = false;
    this.openGate();
  }

  /** Flips the lowest bit of the last byte of a record. */
  flipBit(key: string): void {
    const bytes = this.durable.get(key);
    if (!bytes || bytes.length === 0) throw new Error(`There is no record ${key}.`);
    const flipped = bytes.slice();
    flipped[flipped.length - 1]! ^= 1;
    this.durable.set(key, flipped);
  }

  loseRecord(key: string): void {
    if (!this.durable.delete(key)) throw new Error(`There is no record ${key}.`);
  }

  /** Another disk that holds what this one holds durably, as an image taken of it would. */
  copy(): MemoryDisk {
    const image = new MemoryDisk();
    for (const [key, bytes] of this.durable) image.durable.set(key, bytes);
    image.witness = this.witness;
    return image;
  }

  keys(): string[] {
    return [...this.durable.keys()].toSorted();
  }

  open(): Promise<void> {
    if (this.inUse) return Promise.reject(new RegistryError('STORE_LOCKED', 'Another store has this disk open.'));
    this.inUse = true;
    return Promise.resolve();
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.durable.get(key));
  }

  async *range(from: string, to: string): AsyncIterable<[string, Uint8Array]> {
    for (const key of this.keys()) if (key >= from && key < to) yield [key, this.durable.get(key)!];
  }

  async write(operations: RecordOperation[]): Promise<void> {
    const begun = this.powerCycles;
    // The caller may reuse its memory, so the disk takes what it is given now.
    const taken = operations.map((operation) =>
      operation.type === 'put' ? { ...operation, value: operation.value.slice() } : operation,
    );
    this.unsynced.push(taken);
    await this.gate;
    if (begun !== this.powerCycles)
      throw new RegistryError('STORE_FAILED', 'Power failed before the write was synced.');
    this.unsynced = this.unsynced.filter((operations) => operations !== taken);
    const fails = --this.writesUntilFailure === 0;
    if (!fails || this.failure.reached === 'everything') this.apply(taken);
    if (fails) throw new RegistryError('STORE_FAILED', `The disk failed to write: ${this.failure.reason}.`);
  }

  discard(from: string, to: string): Promise<void> {
    return this.write(
      this.keys().flatMap((key): RecordOperation[] => (key >= from && key < to ? [{ type: 'del', key }] : [])),
    );
  }

  readWitness(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.witness);
  }

  writeWitness(bytes: Uint8Array): Promise<void> {
    this.witness = bytes;
    return Promise.resolve();
  }

  noteWitness(bytes: Uint8Array): void {
    this.witness = bytes;
  }

  close(): Promise<void> {
    this.inUse = false;
    return Promise.resolve();
  }

  private apply(operations: RecordOperation[]): void {
    for (const { type, key, value } of operations) {
      if (type === 'put') this.durable.set(key, value);
      else this.durable.delete(key);
    }
  }
}

/** A log that lives as long as its disk object: for tests, simulations, and servers told to keep nothing. */
export class MemoryLogStore extends RecordLogStore {
  constructor(disk: MemoryDisk = new MemoryDisk()) {
    super(disk);
  }
}
