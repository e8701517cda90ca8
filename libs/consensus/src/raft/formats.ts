import { RegistryError } from '#model';
import { crc32 } from '../checksum.js';
import type { LogEntry } from '../contract.js';
import type { Configuration, Entry } from './contract.js';

/** The first byte of what the log store keeps of an entry. Never reuse a number. */
const KINDS = { noop: 0, command: 1, configuration: 2 } as const;

const NOTHING = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** In one piece of memory, which costs far less than a piece for each. */
export function toLogEntries(entries: readonly Entry[]): LogEntry[] {
  const bodies = entries.map(bodyOf);
  const bytes = new Uint8Array(bodies.reduce((length, body) => length + 1 + body.length, 0));
  let at = 0;
  return entries.map(({ kind, index, term }, i) => {
    const start = at;
    bytes[start] = KINDS[kind];
    bytes.set(bodies[i]!, start + 1);
    at += 1 + bodies[i]!.length;
    return { index, term, payload: bytes.subarray(start, at) };
  });
}

function bodyOf(entry: Entry): Uint8Array {
  if (entry.kind === 'command') return entry.payload;
  return entry.kind === 'configuration' ? encodeConfiguration(entry.configuration) : NOTHING;
}

/** @throws RegistryError STORE_FAILED for an entry of a kind unknown here; the bytes themselves have been verified */
export function fromLogEntry({ index, term, payload }: LogEntry): Entry {
  const body = payload.subarray(1);
  switch (payload[0]) {
    case KINDS.noop:
      return { kind: 'noop', index, term };
    case KINDS.command:
      return { kind: 'command', index, term, payload: body };
    case KINDS.configuration:
      return { kind: 'configuration', index, term, configuration: decodeConfiguration(body) };
    default: {
      const message = `Entry ${index} of the log is of a kind unknown here; start the version of Rollcall that wrote it.`;
      throw new RegistryError('STORE_FAILED', message);
    }
  }
}

const HEADER_BYTES = 8;

/**
 * A snapshot as it is saved and as it travels: CRC-32 of all that follows, length of the configuration, the
 * configuration, the image. It travels in pieces, so it must prove itself whole where it arrives.
 */
export function encodeSnapshot(configuration: Configuration, image: Uint8Array): Uint8Array {
  const head = encodeConfiguration(configuration);
  const bytes = new Uint8Array(HEADER_BYTES + head.length + image.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, head.length);
  bytes.set(head, HEADER_BYTES);
  bytes.set(image, HEADER_BYTES + head.length);
  view.setUint32(0, crc32(bytes.subarray(4)));
  return bytes;
}

/** @throws RegistryError STORE_CORRUPT when it is not what `encodeSnapshot` made */
export function decodeSnapshot(bytes: Uint8Array): { configuration: Configuration; image: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0) !== crc32(bytes.subarray(4)))
    throw new RegistryError('STORE_CORRUPT', 'A snapshot of the replicated state fails its checksum.');
  const end = HEADER_BYTES + view.getUint32(4);
  return { configuration: decodeConfiguration(bytes.subarray(HEADER_BYTES, end)), image: bytes.subarray(end) };
}

function encodeConfiguration(configuration: Configuration): Uint8Array {
  return encoder.encode(JSON.stringify(configuration));
}

function decodeConfiguration(bytes: Uint8Array): Configuration {
  return JSON.parse(decoder.decode(bytes)) as Configuration;
}
