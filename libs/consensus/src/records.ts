/**
 * The medium under a log store: an ordered map from short ASCII keys to bytes, and beside it one witness, a small value
 * in a place that does not fail together with the map. LevelDB and a simulated disk implement it. Failures are
 * RegistryErrors: STORE_LOCKED, STORE_FAILED, and STORE_CORRUPT with `details.reason` where the medium itself finds that
 * what it holds is damaged.
 */
export interface Records {
  /** Where it is, for people. */
  readonly location: string;
  /** Takes the medium for this process alone, until `close` or until the process is gone. */
  open(): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  /** In the order of keys, from `from` (included) to `to` (excluded). */
  range(from: string, to: string): AsyncIterable<[key: string, value: Uint8Array]>;
  /** One atomic batch, durable when it resolves. */
  write(operations: RecordOperation[]): Promise<void>;
  /** Deletes a range of what nothing refers to any more: neither atomic nor durable. */
  discard(from: string, to: string): Promise<void>;
  /** Undefined also when what is there cannot be made out. */
  readWitness(): Promise<Uint8Array | undefined>;
  /** Durable when it resolves; replaces what was noted before. */
  writeWitness(bytes: Uint8Array): Promise<void>;
  /** Written soon, at the medium's leisure; the last one noted wins. Never rejected, since a lost note costs nothing. */
  noteWitness(bytes: Uint8Array): void;
  close(): Promise<void>;
}

export type RecordOperation =
  { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string; value?: undefined };
