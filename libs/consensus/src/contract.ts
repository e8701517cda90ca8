/**
 * Meta's engine: one node, a Raft group, or one day an etcd cluster. Commands are applied in log order to a
 * deterministic state machine.
 */
export interface Consensus<Command, State, Result> {
  /**
   * Resolves once the command is committed and applied. The same (client, sequence) is applied at most once; a
   * repetition resolves with the first result. A client counts its sequence up; one below its last is refused.
   * @throws RegistryError NOT_LEADER (`details.leader` where it is known), OVERLOADED (too much is waiting),
   * SHUTTING_DOWN, STORE_FAILED (after which nothing is acknowledged any more), BAD_REQUEST (the sequence was
   * superseded). Only after OVERLOADED and BAD_REQUEST is it certain that the command has not been and will not be
   * applied.
   */
  propose(id: { client: string; sequence: number }, command: Command): Promise<{ index: number; result: Result }>;
  /**
   * A read that sees everything acknowledged before it began, or one that may be `maxAgeMs` old and costs no message.
   * @throws RegistryError NOT_LEADER for a linearizable read elsewhere than on the leader, NO_LEADER when the state here
   * is older than that, OVERLOADED, SHUTTING_DOWN, STORE_FAILED
   */
  read<T>(query: (state: State) => T, mode: 'linearizable' | { maxAgeMs: number }): Promise<T>;
  /**
   * The changes after `afterIndex` in log order. Where they are no longer at hand, a snapshot comes first; also in the
   * middle, for a watcher that falls far behind. Ends on close, and fails when the engine does. An answer to `propose`
   * may come before its change does.
   */
  watch(afterIndex: number): AsyncIterable<{ index: number } & ({ change: Command } | { snapshot: State })>;
  /**
   * Called at once with the present state, then on every change. `leading` is told once everything committed before is
   * applied here. The answer ends it.
   */
  onLeadership(listener: (leadership: { term: number; leading: boolean }) => void): () => void;
  close(): Promise<void>;
}

/** What is replicated. `apply` must not touch its argument and must not depend on anything but its arguments. */
export interface StateMachine<Command, State, Result> {
  initial(): State;
  apply(state: State, command: Command): { state: State; result: Result };
  /**
   * A state read from a snapshot, which an older version may have written, in the form that `apply` expects. As
   * deterministic as `apply`; throws for a state that this version must not go on from.
   */
  restore?(saved: State): State;
}

/** How commands, states and results become bytes; injected, since this lib knows no format. */
export interface Codec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** One entry of the log. `payload` is opaque to the store. */
export interface LogEntry {
  index: number;
  term: number;
  payload: Uint8Array;
}

export interface LogSnapshot {
  /** The last index and term it contains. */
  index: number;
  term: number;
  payload: Uint8Array;
}

/** What one write changes: term and vote, then the entries from `truncateFrom` on go, then `entries` follow the last. */
export interface LogWrite {
  hardState?: { term: number; vote: string | null } | undefined;
  truncateFrom?: number | undefined;
  entries?: LogEntry[] | undefined;
}

/** What a store holds when it is opened: the entries follow the snapshot without a gap. */
export interface FoundLog {
  term: number;
  vote: string | null;
  snapshot: LogSnapshot | null;
  entries: LogEntry[];
}

/**
 * Where a node keeps its log. Every write is durable (synced) when its promise resolves; a failed write is final: the
 * store refuses everything after it. Implementations pass the suite in `#consensus/testing`.
 */
export interface LogStore {
  /**
   * Reads everything and verifies it: indices contiguous after the snapshot, each entry's checksum chained to the one
   * before.
   * @throws RegistryError STORE_CORRUPT naming the broken entry, STORE_LOCKED, STORE_FAILED
   */
  open(): Promise<FoundLog>;
  /** All of it in one atomic batch. */
  write(change: LogWrite): Promise<void>;
  /**
   * Saves the snapshot, then points to it, then deletes the entries it covers. Entries after it stay if the log has an
   * entry with the snapshot's index and term; otherwise they belong to another history and go too.
   */
  saveSnapshot(snapshot: LogSnapshot): Promise<void>;
  close(): Promise<void>;
}
