import { RegistryError } from '#model';
import { chainedChecksum, crc32 } from './checksum.js';
import type { LogEntry, LogSnapshot } from './contract.js';
import type { Head, Link, SnapshotPointer, Vote, Witness } from './log-format.js';
import { KEYS, RUNS_END, decodeRun, firstOf, unseal } from './log-format.js';
import type { Records } from './records.js';

/** Everything a log holds, and what its store must remember to go on with it. */
export interface LoadedLog {
  vote: Vote;
  snapshot: LogSnapshot | null;
  entries: LogEntry[];
  pointer: SnapshotPointer | null;
  links: Link[];
  /** Where the runs begin in which the entries are, ascending. */
  runs: number[];
}

/**
 * Reads a log and verifies every byte of it: the snapshot against its checksum, each entry against the one before, the
 * last entry against the head, all of it against the witness.
 * @throws RegistryError STORE_CORRUPT naming the first record that is broken or missing; STORE_FAILED when another version
 * wrote it
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
  const { entries, links, runs } = await loadEntries(records, pointer, head?.index);

  const start = pointer?.index ?? 0;
  const lastIndex = start + entries.length;
  const checksumAt = (index: number): number | undefined =>
    index === start ? (pointer?.link ?? 0) : links[index - start - 1]?.checksum;
  if (head && lastIndex < head.index && (await read(records, KEYS.former(head.index), `entry ${head.index}`)))
    throw writtenEarlier(records.location);
  if (head && lastIndex < head.index) throw corrupt(`${entryRange(lastIndex + 1, head.index)} missing`);
  if (head && checksumAt(head.index) !== head.checksum)
    throw corrupt(`entry ${head.index} is not the one last written`);

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
  return { vote, snapshot, entries, pointer, links, runs };
}

function entryRange(from: number, to: number): string {
  return from === to ? `entry ${from} is` : `entries ${from} to ${to} are`;
}

/**
 * The entries after the snapshot. A run counts to where the next one begins: behind that, and behind the head, stands what
 * was replaced or cut off.
 */
async function loadEntries(
  records: Records,
  pointer: SnapshotPointer | null,
  head: number | undefined,
): Promise<Pick<LoadedLog, 'entries' | 'links' | 'runs'>> {
  const corrupt = (what: string): RegistryError => corruption(records.location, what);
  const found: { first: number; run: Uint8Array }[] = [];
  for await (const each of runsOf(records, pointer?.index ?? 0)) found.push(each);
  if (found.length > 0 && head === undefined) throw corrupt('the record "head" is missing');
  const entries: LogEntry[] = [];
  const links: Link[] = [];
  const runs: number[] = [];
  let previous = pointer?.link ?? 0;
  let next = (pointer?.index ?? 0) + 1;
  for (const [i, { first, run }] of found.entries()) {
    const last = Math.min((found[i + 1]?.first ?? Infinity) - 1, head!);
    if (last < next) continue;
    if (first > next) throw corrupt(`${entryRange(next, first - 1)} missing`);
    runs.push(first);
    let index = first;
    for (const entry of decodeRun(run)) {
      if (index > last) break;
      // What the snapshot covers is chained to what is gone.
      if (index === next) {
        const isWhole = entry && chainedChecksum(previous, { index, ...entry }) === entry.checksum;
        if (!isWhole) throw corrupt(`entry ${index} fails its checksum`);
        const { term, payload, checksum } = entry;
        entries.push({ index, term, payload });
        links.push({ term, checksum });
        previous = checksum;
        next++;
      } else if (!entry) throw corrupt(`entry ${index} fails its checksum`);
      index++;
    }
  }
  return { entries, links, runs };
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

/** A medium that reads ahead fails before it has given what precedes the damage: then each run is asked for by itself. */
async function* runsOf(records: Records, covered: number): AsyncIterable<{ first: number; run: Uint8Array }> {
  let next = covered + 1;
  const told = ([key, run]: [string, Uint8Array]): { first: number; run: Uint8Array } => {
    const first = firstOf(key);
    let length = 0;
    for (const entry of decodeRun(run)) if (entry) length++;
    next = Math.max(next, first + length);
    return { first, run };
  };
  try {
    for await (const record of records.range(KEYS.run(0), RUNS_END)) yield told(record);
  } catch (error) {
    if (!isDamage(error)) throw error;
    for (;;) {
      const run = await read(records, KEYS.run(next), `entry ${next}`);
      // Every run that is there can be read by itself: what is damaged lies behind the last.
      if (!run) throw unreadable(records, `what follows entry ${next - 1}`, error);
      yield told([KEYS.run(next), run]);
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

function writtenEarlier(location: string): RegistryError {
  const message = `The log in ${location} was written by an earlier version of Rollcall, which alone can read it.`;
  return new RegistryError('STORE_FAILED', message, { details: { location } });
}

/** Starting anyway could forget what was acknowledged, so the process must not; a person decides. */
export function corruption(location: string, what: string): RegistryError {
  const message =
    `The log in ${location} is damaged: ${what}. In a group, replace this server by a new one under another address: ` +
    'with an old or an empty folder it could break what it has promised the others. If no other server has this log, ' +
    'restore it from a backup. docs/recovery.md has both, step by step.';
  return new RegistryError('STORE_CORRUPT', message, { details: { location, what } });
}
