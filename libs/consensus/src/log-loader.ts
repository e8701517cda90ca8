import { RegistryError } from '#model';
import { crc32 } from './checksum.js';
import type { LogEntry, LogSnapshot } from './contract.js';
import type { Head, Link, SnapshotPointer, Vote, Witness } from './log-format.js';
import { ENTRIES_END, KEYS, decodeEntry, unseal } from './log-format.js';
import type { Records } from './records.js';

/** Everything a log holds, and what its store must remember to go on with it. */
export interface LoadedLog {
  vote: Vote;
  snapshot: LogSnapshot | null;
  entries: LogEntry[];
  pointer: SnapshotPointer | null;
  links: Link[];
}

/**
 * Reads a log and verifies every byte of it: the snapshot against its checksum, each entry against the one before, the
 * last entry against the head, all of it against the witness.
 * @throws RegistryError STORE_CORRUPT naming the first record that is broken or missing
 */
export async function loadLog(records: Records): Promise<LoadedLog> {
  const corrupt = (what: string): RegistryError => corruption(records.location, what);
  const sealed = async <T>(key: string): Promise<T | null> => {
    const bytes = await read(records, key, `the record "${key}"`);
    if (!bytes) return null;
    const value = unseal<T>(bytes);
    if (!value) throw corrupt(`the record "${key}" fails its checksum`);
    return value;
  };

  const vote = (await sealed<Vote>(KEYS.vote)) ?? { term: 0, vote: null };
  const pointer = await sealed<SnapshotPointer>(KEYS.snapshot);
  const head = await sealed<Head>(KEYS.head);
  const snapshot = pointer && (await loadSnapshot(records, pointer));
  const { entries, links } = await loadEntries(records, pointer);

  const start = pointer?.index ?? 0;
  const lastIndex = start + entries.length;
  const checksumAt = (index: number): number | undefined =>
    index === start ? (pointer?.link ?? 0) : links[index - start - 1]?.checksum;
  const headIndex = head?.index ?? 0;
  if (lastIndex < headIndex) throw corrupt(`${entryRange(lastIndex + 1, headIndex)} missing`);
  if (lastIndex > headIndex) throw corrupt(`the record "head" ends at entry ${headIndex}, the log at ${lastIndex}`);
  if (head && checksumAt(headIndex) !== head.checksum) throw corrupt(`entry ${headIndex} is not the one last written`);

  const witnessed = await records.readWitness();
  const witness = witnessed && unseal<Witness>(witnessed);
  if (witness) {
    if (lastIndex < witness.index) throw corrupt(`${entryRange(lastIndex + 1, witness.index)} missing`);
    if (witness.index >= start && checksumAt(witness.index) !== witness.checksum)
      throw corrupt(`entry ${witness.index} is not the one that was written`);
    const isOlder =
      vote.term < witness.term || (vote.term === witness.term && witness.vote !== null && vote.vote !== witness.vote);
    if (isOlder) throw corrupt(`the vote of term ${witness.term} is missing`);
  }
  return { vote, snapshot, entries, pointer, links };
}

function entryRange(from: number, to: number): string {
  return from === to ? `entry ${from} is` : `entries ${from} to ${to} are`;
}

async function loadEntries(
  records: Records,
  pointer: SnapshotPointer | null,
): Promise<Pick<LoadedLog, 'entries' | 'links'>> {
  const entries: LogEntry[] = [];
  const links: Link[] = [];
  let previous = pointer?.link ?? 0;
  let index = pointer?.index ?? 0;
  for await (const [key, bytes] of entriesAfter(records, index)) {
    index++;
    if (key !== KEYS.entry(index)) throw corruption(records.location, `entry ${index} is missing`);
    const decoded = decodeEntry(index, bytes, previous);
    if (!decoded) throw corruption(records.location, `entry ${index} fails its checksum`);
    const { term, payload, checksum } = decoded;
    entries.push({ index, term, payload });
    links.push({ term, checksum });
    previous = checksum;
  }
  return { entries, links };
}

async function loadSnapshot(records: Records, pointer: SnapshotPointer): Promise<LogSnapshot> {
  const { index, term, chunks, bytes, checksum } = pointer;
  const payload = new Uint8Array(bytes);
  let filled = 0;
  for (let number = 0; number < chunks; number++) {
    const part = `part ${number + 1} of ${chunks} of the snapshot at ${index}`;
    const chunk = await read(records, KEYS.chunk(index, number), part);
    if (!chunk || filled + chunk.length > bytes) throw corruption(records.location, `${part} is missing`);
    payload.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled !== bytes || crc32(payload) !== checksum)
    throw corruption(records.location, `the snapshot at ${index} fails its checksum`);
  return { index, term, payload };
}

/** A medium that reads ahead fails before it has given what precedes the damage: then each entry is asked for by itself. */
async function* entriesAfter(records: Records, index: number): AsyncIterable<[key: string, bytes: Uint8Array]> {
  let next = index + 1;
  try {
    for await (const record of records.range(KEYS.entry(next), ENTRIES_END)) {
      yield record;
      next++;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    for (; ; next++) {
      const bytes = await read(records, KEYS.entry(next), `entry ${next}`);
      // Every entry that is there can be read by itself: what is damaged lies behind the last.
      if (!bytes) throw unreadable(records, `what follows entry ${next - 1}`, error);
      yield [KEYS.entry(next), bytes];
    }
  }
}

async function read(records: Records, key: string, what: string): Promise<Uint8Array | undefined> {
  try {
    return await records.get(key);
  } catch (error) {
    throw isDamage(error) ? unreadable(records, what, error) : error;
  }
}

/** The medium itself says that a record is damaged, before any checksum of ours is asked. */
export function isDamage(error: unknown): error is RegistryError & { details: { reason: string } } {
  return error instanceof RegistryError && error.code === 'STORE_CORRUPT' && error.details?.['reason'] !== undefined;
}

function unreadable(records: Records, what: string, { details }: { details: { reason: string } }): RegistryError {
  return corruption(records.location, `${what} cannot be read (${details.reason})`);
}

/** Starting anyway could forget what was acknowledged, so the process must not; a person decides. */
export function corruption(location: string, what: string): RegistryError {
  const message =
    `The log in ${location} is damaged: ${what}. In a group, replace this server by a new one under another address: ` +
    'with an old or an empty folder it could break what it has promised the others. If no other server has this log, ' +
    'restore it from a backup. docs/recovery.md has both, step by step.';
  return new RegistryError('STORE_CORRUPT', message, { details: { location, what } });
}
