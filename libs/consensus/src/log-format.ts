import { chainedChecksum, crc32 } from './checksum.js';
import type { LogEntry, LogSnapshot } from './contract.js';

/** The keys and values in which a log is kept. Numbers in keys are hexadecimal and padded, so that they sort. */
export const KEYS = {
  vote: 'vote',
  head: 'head',
  snapshot: 'snapshot',
  /** Of an entry by itself, as earlier versions kept them. */
  former: (index: number): string => `entry/${sortable(index)}`,
  /** Of the run that begins with the entry at `first`. */
  run: (first: number): string => `entries/${sortable(first)}`,
  chunk: (snapshotIndex: number, number: number): string => `chunk/${sortable(snapshotIndex)}/${sortable(number)}`,
  chunksOf: (snapshotIndex: number): string => `chunk/${sortable(snapshotIndex)}/`,
} as const;

/** `~` sorts behind every digit. */
export const RUNS_END = 'entries/~';
export const CHUNKS_END = 'chunk/~';

/** Of the run with this key. */
export function firstOf(key: string): number {
  return Number.parseInt(key.slice(key.indexOf('/') + 1), 16);
}

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

/** Checksum, term, length of the payload. */
const ENTRY_HEADER_BYTES = 16;

/**
 * Entries that were written together are kept together, as a run: one record costs a medium a fraction of what many cost.
 * Each is chained to the one before it, also across runs.
 */
export function encodeRun(entries: readonly LogEntry[], previous: number): { run: Uint8Array; links: Link[] } {
  const run = new Uint8Array(entries.reduce((length, { payload }) => length + ENTRY_HEADER_BYTES + payload.length, 0));
  const view = new DataView(run.buffer);
  let checksum = previous;
  let at = 0;
  const links = entries.map((entry) => {
    const { term, payload } = entry;
    checksum = chainedChecksum(checksum, entry);
    view.setUint32(at, checksum);
    view.setFloat64(at + 4, term);
    view.setUint32(at + 12, payload.length);
    run.set(payload, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + payload.length;
    return { term, checksum };
  });
  return { run, links };
}

/** What the run says its entries are, not verified; one that cannot be made out ends it as undefined. */
export function* decodeRun(run: Uint8Array): Generator<(Omit<LogEntry, 'index'> & Link) | undefined> {
  const view = new DataView(run.buffer, run.byteOffset, run.byteLength);
  for (let at = 0; at < run.length;) {
    const start = at + ENTRY_HEADER_BYTES;
    const end = start > run.length ? Infinity : start + view.getUint32(at + 12);
    if (end > run.length) return void (yield undefined);
    yield { checksum: view.getUint32(at), term: view.getFloat64(at + 4), payload: run.subarray(start, end) };
    at = end;
  }
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
