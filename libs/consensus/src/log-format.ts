import { chainedChecksum, crc32 } from './checksum.js';
import type { LogEntry, LogSnapshot } from './contract.js';

/** The keys and values in which a log is kept. Numbers in keys are hexadecimal and padded, so that they sort. */
export const KEYS = {
  vote: 'vote',
  head: 'head',
  snapshot: 'snapshot',
  entry: (index: number): string => `entry/${sortable(index)}`,
  chunk: (snapshotIndex: number, number: number): string => `chunk/${sortable(snapshotIndex)}/${sortable(number)}`,
  chunksOf: (snapshotIndex: number): string => `chunk/${sortable(snapshotIndex)}/`,
} as const;

/** `~` sorts behind every digit. */
export const ENTRIES_END = 'entry/~';
export const CHUNKS_END = 'chunk/~';

function sortable(value: number): string {
  return value.toString(16).padStart(14, '0');
}

/** Term and chained checksum of an entry: what the next one needs to be verified. */
export interface Link {
  term: number;
  checksum: number;
}

export interface Vote {
  term: number;
  vote: string | null;
}

/** The last entry written, known independently of it. */
export interface Head {
  index: number;
  checksum: number;
}

/** What had certainly been written at some time: what is found later may be newer, never older. */
export type Witness = Head & Vote;

export interface SnapshotPointer {
  index: number;
  term: number;
  /** What the entry after `index` is chained to. */
  link: number;
  chunks: number;
  bytes: number;
  checksum: number;
}

const ENTRY_HEADER_BYTES = 12;

/**
 * The values under which entries are kept, each chained to the one before. They lie in one piece of memory, since a piece
 * for each would cost more than everything else about it.
 */
export function encodeEntries(entries: readonly LogEntry[], previous: number): { value: Uint8Array; link: Link }[] {
  const bytes = new Uint8Array(
    entries.reduce((length, { payload }) => length + ENTRY_HEADER_BYTES + payload.length, 0),
  );
  const view = new DataView(bytes.buffer);
  let checksum = previous;
  let at = 0;
  return entries.map((entry) => {
    const { term, payload } = entry;
    const start = at;
    checksum = chainedChecksum(checksum, entry);
    view.setUint32(start, checksum);
    view.setFloat64(start + 4, term);
    bytes.set(payload, start + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + payload.length;
    return { value: bytes.subarray(start, at), link: { term, checksum } };
  });
}

/** The entry at `index`, or undefined when it fails its checksum. */
export function decodeEntry(index: number, bytes: Uint8Array, previous: number): (LogEntry & Link) | undefined {
  if (bytes.length < ENTRY_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entry = { index, term: view.getFloat64(4), payload: bytes.subarray(ENTRY_HEADER_BYTES) };
  const checksum = chainedChecksum(previous, entry);
  return checksum === view.getUint32(0) ? { ...entry, checksum } : undefined;
}

/** What the first entry after a snapshot is chained to when the entry at the snapshot's index is not in the log. */
export function linkOfSnapshot({ index, term }: Pick<LogSnapshot, 'index' | 'term'>): number {
  return chainedChecksum(0, { index, term, payload: new Uint8Array() });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** JSON behind a checksum of its own. */
export function seal(value: object): Uint8Array {
  const json = encoder.encode(JSON.stringify(value));
  const bytes = new Uint8Array(4 + json.length);
  new DataView(bytes.buffer).setUint32(0, crc32(json));
  bytes.set(json, 4);
  return bytes;
}

/** What was sealed, or undefined when the checksum is wrong. */
export function unseal<T>(bytes: Uint8Array): T | undefined {
  if (bytes.length < 4) return undefined;
  const json = bytes.subarray(4);
  if (new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) !== crc32(json)) return undefined;
  return JSON.parse(decoder.decode(json)) as T;
}
