import { RegistryError, isPlainObject } from '#model';
import { crc32 } from '../checksum.js';
import type { SnapshotMeta } from '../raft/contract.js';
import { isConfiguration } from '../raft/envelope.js';

/** Raised when the form of the file changes. */
export const BACKUP_FORMAT = 1;

/** The whole replicated state at one place of the log, with what was answered to each client last, as one file. */
export interface Backup {
  /** The last index and term that it contains, and who was in the group then. */
  position: SnapshotMeta;
  /** What its maker says of it, for people and for checks; nothing of it is needed to read the image. */
  about: Record<string, unknown>;
  /** The image as the codec of the state machine made it. */
  image: Uint8Array;
}

const MAGIC = 'rollcall-backup';
const LINE_BREAK = 10;
/** Longer than any first line, and than any header that a group of reasonable size has. */
const LINE_BYTES_MAX = 64 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Three parts, so that `head -2` tells a person what the file is: a line that names the format, the length of all that
 * follows it, and its CRC-32; a line of JSON; the image.
 */
export function encodeBackup({ position, about, image }: Backup): Uint8Array {
  const header = encoder.encode(`${JSON.stringify({ ...position, about })}\n`);
  const length = header.length + image.length;
  const checksum = crc32(image, crc32(header)).toString(16).padStart(8, '0');
  const first = encoder.encode(`${MAGIC} ${BACKUP_FORMAT} ${length} ${checksum}\n`);
  const bytes = new Uint8Array(first.length + length);
  bytes.set(first);
  bytes.set(header, first.length);
  bytes.set(image, first.length + header.length);
  return bytes;
}

/** @throws RegistryError INVALID_BACKUP that says what is wrong with it */
export function decodeBackup(bytes: Uint8Array): Backup {
  const first = line(bytes, 0);
  const [, format, length, checksum] = /^rollcall-backup (\d+)(?: (\d+) ([0-9a-f]{8}))?/.exec(first?.text ?? '') ?? [];
  if (first === undefined || format === undefined) throw invalid('It is no backup of a meta group.');
  if (Number(format) !== BACKUP_FORMAT)
    throw invalid(`It is of format ${format}, and this version of Rollcall reads format ${BACKUP_FORMAT}.`);
  const rest = bytes.subarray(first.end);
  if (rest.length !== Number(length))
    throw invalid(`It is damaged: ${length ?? 'more'} bytes should follow its first line, and ${rest.length} do.`);
  if (crc32(rest).toString(16).padStart(8, '0') !== checksum) throw invalid('It is damaged: its checksum is wrong.');
  const header = line(bytes, first.end);
  const { index, term, configuration, about } = header ? parse(header.text) : {};
  if (header === undefined || !isIndex(index) || !isIndex(term) || !isConfiguration(configuration))
    throw invalid('It does not say what it holds.');
  return {
    position: { index, term, configuration },
    about: isPlainObject(about) ? about : {},
    image: bytes.subarray(header.end),
  };
}

/** The text from `start` to the next line break, and where what follows begins. */
function line(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
  const length = bytes.subarray(start, start + LINE_BYTES_MAX).indexOf(LINE_BREAK);
  if (length < 0) return undefined;
  try {
    return { text: decoder.decode(bytes.subarray(start, start + length)), end: start + length + 1 };
  } catch {
    return undefined;
  }
}

function parse(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return isPlainObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function invalid(what: string): RegistryError {
  return new RegistryError('INVALID_BACKUP', `The backup cannot be used. ${what}`);
}
