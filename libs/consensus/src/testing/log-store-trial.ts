import type { LogEntry, LogStore } from '../contract.js';

/** How the suite gets at an implementation. A medium is what outlives a store: a folder, a simulated disk. */
export interface LogStoreFixture<Medium> {
  createMedium(): Promise<Medium> | Medium;
  /** A store on the medium, not opened yet. */
  createStore(medium: Medium): LogStore;
  disposeMedium?(medium: Medium): Promise<void>;
  /** Ends the store as kill -9 or a power cut would, in the middle of whatever it does. */
  crash(medium: Medium, store: LogStore): Promise<void> | void;
  /**
   * Power fails during a write of one batch, when this share (0 to 1) of its bytes is on the medium, from the first on.
   * Ends the store.
   */
  cutPower(medium: Medium, store: LogStore, write: () => Promise<void>, share: number): Promise<void>;
  /** The nth write to the medium from now on fails; with Infinity, none. All of it may have got there all the same. */
  failWrite(medium: Medium, store: LogStore, nth: number, reached: 'nothing' | 'everything'): void;
  /** From some write on, soon, the medium says that it is full or broken. */
  exhaust(medium: Medium, store: LogStore, reason: 'ENOSPC' | 'EIO'): Promise<void> | void;
  /** Ends that, while no store has the medium open. */
  repair(medium: Medium): Promise<void> | void;
  /** Faults of a medium at rest, while no store has it open; of an entry that was written by itself. */
  flipBitInEntry(medium: Medium, index: number): Promise<void> | void;
  flipBitInSnapshot(medium: Medium, snapshotIndex: number): Promise<void> | void;
  loseEntry(medium: Medium, index: number): Promise<void> | void;
}

/** A medium of one test, and the store that has it open. */
export class Trial<Medium> {
  store!: LogStore;
  medium!: Medium;

  constructor(readonly fixture: LogStoreFixture<Medium>) {}

  async begin(): Promise<void> {
    this.medium = await this.fixture.createMedium();
    this.store = this.fixture.createStore(this.medium);
  }

  async end(): Promise<void> {
    await this.store.close().catch(() => {});
    await this.fixture.disposeMedium?.(this.medium);
  }

  async reopen(): ReturnType<LogStore['open']> {
    await this.store.close();
    return this.openAnew();
  }

  /** Another store, where the last one has ended. */
  openAnew(): ReturnType<LogStore['open']> {
    this.store = this.fixture.createStore(this.medium);
    return this.store.open();
  }

  append(added: LogEntry[], truncateFrom?: number): Promise<void> {
    return this.store.write({ truncateFrom, entries: added });
  }

  vote(term: number, votedFor: string | null): Promise<void> {
    return this.store.write({ hardState: { term, vote: votedFor } });
  }
}

export function payload(of: string): Uint8Array {
  return new TextEncoder().encode(of);
}

export function entry(index: number, term = 1, text = `command ${index}`): LogEntry {
  return { index, term, payload: payload(text) };
}

export function entries(from: number, to: number, term = 1): LogEntry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term));
}

/** Each as `3@1 command 3`. */
export function readable(log: LogEntry[]): string[] {
  return log.map(({ index, term, payload: bytes }) => `${index}@${term} ${new TextDecoder().decode(bytes)}`);
}
