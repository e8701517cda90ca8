import type { KeyEntry, LeaseName } from '#model';
import { toBytes, toKey } from './bytes.js';

/** A key as it is kept: beside what clients are told, of its lease the very one, and what native subscribers read. */
export interface KeyRecord extends KeyEntry {
  /** Of the lease; 0 without one. */
  grant: number;
  data: string[];
}

/** A lease as it is kept. */
export interface LeaseRecord extends LeaseName {
  ttlS: number;
  /** In which keys were attached to it. */
  slots: number[];
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The body of a key's publication: msgpack of `{ data, etcd, key, value }`, as any other body, with `etcd` as JSON. It is read and
 * written in this very form by the leaders of slots, which know of no other body what is in it.
 */
export function encodeKey({ data, key, value, ...about }: KeyRecord): Uint8Array {
  const { createRevision, modRevision, version, lease, grant } = about;
  const etcd = JSON.stringify([createRevision, modRevision, version, lease, grant]);
  return joined([
    ...[Uint8Array.of(0x84), ...named('data', strings(data)), ...named('etcd', [string(etcd)])],
    ...[...named('key', binary(toBytes(key))), ...named('value', binary(value))],
  ]);
}

/** Undefined for any other body. The value is a copy. */
export function decodeKey(body: Uint8Array): KeyRecord | undefined {
  const reader = new Reader(body);
  try {
    reader.expect(0x84);
    const data = reader.named('data').strings();
    const etcd: unknown = JSON.parse(reader.named('etcd').string());
    const key = toKey(reader.named('key').binary());
    const value = reader.named('value').binary().slice();
    if (!Array.isArray(etcd)) return undefined;
    const [createRevision, modRevision, version, lease, grant] = etcd as unknown[];
    const numbers = [createRevision, modRevision, version, grant];
    if (!numbers.every(Number.isSafeInteger) || typeof lease !== 'string' || key === '') return undefined;
    return { data, key, value, createRevision, modRevision, version, lease, grant } as KeyRecord;
  } catch {
    return undefined;
  }
}

export function encodeLease({ id, grant, ttlS, slots }: LeaseRecord): Uint8Array {
  const etcd = JSON.stringify([id, grant, ttlS, slots]);
  return joined([Uint8Array.of(0x82), ...named('data', strings([])), ...named('etcd', [string(etcd)])]);
}

export function decodeLease(body: Uint8Array): LeaseRecord | undefined {
  const reader = new Reader(body);
  try {
    reader.expect(0x82);
    reader.named('data').strings();
    const etcd: unknown = JSON.parse(reader.named('etcd').string());
    if (!Array.isArray(etcd)) return undefined;
    const [id, grant, ttlS, slots] = etcd as unknown[];
    const isWhole = typeof id === 'string' && [grant, ttlS].every(Number.isSafeInteger);
    if (!isWhole || !Array.isArray(slots) || !slots.every(Number.isSafeInteger)) return undefined;
    return { id, grant, ttlS, slots } as LeaseRecord;
  } catch {
    return undefined;
  }
}

function named(name: string, value: Uint8Array[]): Uint8Array[] {
  return [Uint8Array.of(0xa0 | name.length), utf8.encode(name), ...value];
}

function strings(items: string[]): Uint8Array[] {
  return [sized(0xdd, items.length), ...items.map(string)];
}

function string(text: string): Uint8Array {
  const bytes = utf8.encode(text);
  return joined([sized(0xdb, bytes.length), bytes]);
}

function binary(bytes: Uint8Array): Uint8Array[] {
  return [sized(0xc6, bytes.length), bytes];
}

function sized(type: number, length: number): Uint8Array {
  return Uint8Array.of(type, length >>> 24, length >>> 16, length >>> 8, length);
}

function joined(parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Throws where the bytes are not what is read. */
class Reader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  expect(byte: number): void {
    if (this.bytes[this.at++] !== byte) throw new Error('Another form.');
  }

  named(name: string): this {
    this.expect(0xa0 | name.length);
    for (let i = 0; i < name.length; i++) this.expect(name.charCodeAt(i));
    return this;
  }

  strings(): string[] {
    const length = this.sized(0xdd);
    return Array.from({ length }, () => this.string());
  }

  string(): string {
    return fromUtf8.decode(this.take(this.sized(0xdb)));
  }

  binary(): Uint8Array {
    return this.take(this.sized(0xc6));
  }

  private sized(type: number): number {
    this.expect(type);
    const [a, b, c, d] = this.take(4) as unknown as [number, number, number, number];
    const length = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
    if (length > this.bytes.length) throw new Error('More than there is.');
    return length;
  }

  private take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw new Error('More than there is.');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }
}
