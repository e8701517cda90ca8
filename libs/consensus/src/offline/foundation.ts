import { RegistryError } from '#model';
import type { Codec, FoundLog, LogSnapshot, LogStore, StateMachine } from '../contract.js';
import { Applier, type Capture, beginning } from '../raft/applier.js';
import type { Configuration } from '../raft/contract.js';
import { decodeSnapshot, encodeSnapshot, fromLogEntry } from '../raft/formats.js';
import { HOST_DEFAULTS } from '../raft/node-options.js';
import { DEFAULT_LIMITS } from '../raft/state.js';
import { Replicated, type ReplicatedImage } from '../replicated.js';
import type { Backup } from './backup.js';

export interface OfflineOptions<Command, State, Result> {
  machine: StateMachine<Command, State, Result>;
  codec: Codec;
}

/** What one server has of its group, as its log says. */
export interface LoggedGroup<State, Result> extends Capture<State, Result> {
  term: number;
  vote: string | null;
  /** What had certainly been committed; of the entries after it the log does not say. */
  snapshotIndex: number;
}

/** What a log begins with, in place of whatever was there. */
export interface Foundation {
  hardState: { term: number; vote: null };
  snapshot: LogSnapshot;
}

/**
 * The state after every entry of the log, also those of which nobody knows whether they were committed: what was
 * acknowledged may be among them, and what was not asks for nothing that its proposer did not want.
 * @param bootstrap the configuration of a node whose log holds none yet
 * @throws RegistryError INTERNAL, UNSUPPORTED_LEVEL, STORE_FAILED when another version wrote it
 */
export function readLog<Command, State, Result>(
  { term, vote, snapshot, entries }: FoundLog,
  options: OfflineOptions<Command, State, Result>,
  bootstrap: Configuration,
): LoggedGroup<State, Result> {
  const limits = { ...DEFAULT_LIMITS, ...HOST_DEFAULTS };
  const position = snapshot
    ? { index: snapshot.index, term: snapshot.term, configuration: decodeSnapshot(snapshot.payload).configuration }
    : beginning(bootstrap);
  const applier = new Applier({ ...options, limits }, position, snapshot?.payload);
  applier.apply(entries.map(fromLogEntry));
  return { term, vote, snapshotIndex: snapshot?.index ?? 0, ...applier.capture() };
}

/** @throws RegistryError INVALID_BACKUP, UNSUPPORTED_LEVEL when another version wrote it */
export function readImage<Command, State, Result>(
  { image }: Backup,
  { machine, codec }: OfflineOptions<Command, State, Result>,
): ReplicatedImage<State, Result> {
  let decoded: ReplicatedImage<State, Result>;
  try {
    decoded = codec.decode(image) as ReplicatedImage<State, Result>;
  } catch (cause) {
    const message = `The backup cannot be used. What it holds cannot be read: ${String(cause)}`;
    throw new RegistryError('INVALID_BACKUP', message, { cause });
  }
  return new Replicated(machine, HOST_DEFAULTS.clients, decoded).image();
}

/**
 * The beginning of a group, or of another era of one, from a state: a snapshot right behind what the state contains, in the
 * term after every one that is known.
 */
export function foundation<State, Result>(
  { position, image }: Capture<State, Result>,
  group: { configuration: Configuration; afterTerm: number },
  codec: Codec,
): Foundation {
  const term = Math.max(group.afterTerm, position.term) + 1;
  const payload = encodeSnapshot(group.configuration, codec.encode(image));
  return { hardState: { term, vote: null }, snapshot: { index: position.index + 1, term, payload } };
}

/**
 * The term goes first, which alone changes nothing. What counts is the one synced write in which the store points to the
 * snapshot: before it the log is what it was, after it all of it is replaced.
 */
export async function layFoundation(store: LogStore, { hardState, snapshot }: Foundation): Promise<void> {
  await store.write({ hardState });
  await store.saveSnapshot(snapshot);
}
