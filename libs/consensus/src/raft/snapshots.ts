import { RegistryError } from '#model';
import type { SnapshotMeta } from './contract.js';

interface Held {
  meta: SnapshotMeta;
  bytes: Uint8Array;
}

/** The newest durable snapshot, from which peers are given chunks. */
export class SnapshotSource {
  constructor(
    private held: Held | undefined,
    private readonly chunkBytes: number,
  ) {}

  get index(): number {
    return this.held?.meta.index ?? 0;
  }

  hold(meta: SnapshotMeta, bytes: Uint8Array): void {
    this.held = { meta, bytes };
  }

  /** Of another snapshot than the newest there is nothing; the peer is then given the newest from its beginning. */
  chunk(
    wanted: SnapshotMeta,
    from: number,
  ): { meta: SnapshotMeta; offset: number; bytes: Uint8Array; last: boolean } | undefined {
    if (!this.held) return undefined;
    const { meta, bytes } = this.held;
    const offset = meta.index === wanted.index && from <= bytes.length ? from : 0;
    const end = Math.min(offset + this.chunkBytes, bytes.length);
    return { meta, offset, bytes: bytes.subarray(offset, end), last: end === bytes.length };
  }
}

/** Collects a snapshot that arrives in chunks. Nothing of it is used before it is whole. */
export class SnapshotCollector {
  private index = 0;
  private parts: Uint8Array[] = [];
  private length = 0;

  constructor(private readonly maxBytes: number) {}

  /**
   * All the bytes with the last chunk. A chunk at offset 0 begins anew.
   * @throws RegistryError OVERLOADED when it becomes larger than this node takes, INTERNAL when a chunk does not follow
   */
  add(meta: SnapshotMeta, offset: number, chunk: Uint8Array, last: boolean): Uint8Array | undefined {
    if (offset === 0) {
      this.clear();
      this.index = meta.index;
    }
    if (meta.index !== this.index || offset !== this.length)
      throw new RegistryError(
        'INTERNAL',
        `The chunk at ${offset} of a snapshot does not follow the ${this.length} held.`,
      );
    if (this.length + chunk.length > this.maxBytes) {
      const message = `The snapshot at ${meta.index} exceeds the limit of ${this.maxBytes} bytes on this node.`;
      throw new RegistryError('OVERLOADED', message);
    }
    // The transport may reuse its memory.
    this.parts.push(chunk.slice());
    this.length += chunk.length;
    if (!last) return undefined;
    const bytes = new Uint8Array(this.length);
    let filled = 0;
    for (const part of this.parts) {
      bytes.set(part, filled);
      filled += part.length;
    }
    this.clear();
    return bytes;
  }

  private clear(): void {
    this.parts = [];
    this.length = 0;
    this.index = 0;
  }
}
