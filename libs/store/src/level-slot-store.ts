import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { RegistryError } from '#model';
import { storeError } from './failures.js';
import { makeFolder } from './files.js';
import type { SlotStore, SlotWrite } from './slot-store.js';

type Db = ClassicLevel<string, Uint8Array>;

interface Waiting {
  writes: SlotWrite[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Before all keys of slots, which begin with a letter. */
const ID_KEY = '!disk';
const CHECKSUM_BYTES = 4;

/**
 * A store of slots in LevelDB. What is asked for while a write is under way goes into the next, so that many small writes
 * share one sync. The disk's id is a record among the others: it cannot outlive them.
 */
export class LevelSlotStore implements SlotStore {
  /** What was found damaged and done without. */
  readonly warnings: string[] = [];
  diskId = '';
  private db: Db | undefined;
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;
  private isClosed = false;

  private constructor(private readonly location: string) {}

  /**
   * A store in which a record is damaged has lost something, nobody knows what, so it is as good as none: it is moved
   * aside, and an empty one with another id begun.
   * @param makeId draws the id of a new store
   * @throws RegistryError STORE_LOCKED, STORE_FAILED
   */
  static async open(location: string, makeId: () => string): Promise<LevelSlotStore> {
    const store = new LevelSlotStore(location);
    try {
      await store.begin(makeId);
    } catch (error) {
      if ((error as RegistryError).code !== 'STORE_CORRUPT') throw error;
      const aside = `${location}.damaged-${makeId()}`;
      await rename(location, aside);
      store.warnings.push(`${(error as RegistryError).message} It was moved to ${aside}, and an empty one begun.`);
      await store.begin(makeId);
    }
    return store;
  }

  async *load(): AsyncIterable<[string, Uint8Array]> {
    try {
      for await (const [key, framed] of this.db!.iterator({ gt: ID_KEY })) yield [key, this.unframe(key, framed)];
    } catch (error) {
      throw storeError(error, this.location);
    }
  }

  write(writes: SlotWrite[]): Promise<void> {
    if (this.isClosed) return Promise.reject(new RegistryError('SHUTTING_DOWN', `${this.location} is closed.`));
    return new Promise((resolve, reject) => {
      this.waiting.push({ writes, resolve, reject });
      this.writing ??= this.writeWaiting();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.writing;
    await this.db?.close();
    this.db = undefined;
  }

  private async begin(makeId: () => string): Promise<void> {
    try {
      await makeFolder(this.location);
      this.db = await openDb(this.location);
      const id = await this.db.get(ID_KEY);
      if (id) {
        this.diskId = new TextDecoder().decode(this.unframe(ID_KEY, id));
        for await (const [key, framed] of this.db.iterator({ gt: ID_KEY })) this.unframe(key, framed);
        return;
      }
      // An id that was lost alone would make what is left pass for all there was.
      await this.db.clear();
      this.diskId = makeId();
      await this.db.put(ID_KEY, frame(ID_KEY, new TextEncoder().encode(this.diskId)), { sync: true });
    } catch (error) {
      await this.db?.close();
      this.db = undefined;
      throw storeError(error, this.location);
    }
  }

  private async writeWaiting(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      try {
        await this.writeAll(group);
        for (const { resolve } of group) resolve();
      } catch (error) {
        const failed = storeError(error, this.location);
        for (const { reject } of group) reject(failed);
      }
    }
    this.writing = undefined;
  }

  private async writeAll(group: Waiting[]): Promise<void> {
    // After a write that failed LevelDB takes none any more; opened again it may.
    this.db ??= await openDb(this.location);
    const batch = this.db.batch();
    for (const { writes } of group)
      for (const { key, value } of writes) {
        if (value) batch.put(key, frame(key, value));
        else batch.del(key);
      }
    try {
      await batch.write({ sync: true });
    } catch (error) {
      const { db } = this;
      this.db = undefined;
      await db.close();
      throw error;
    }
  }

  private unframe(key: string, framed: Uint8Array): Uint8Array {
    const value = framed.subarray(CHECKSUM_BYTES);
    const isWhole = framed.length >= CHECKSUM_BYTES && viewOf(framed).getUint32(0) === checksum(key, value);
    if (isWhole) return value;
    const message = `The folder ${this.location} is damaged: the record ${JSON.stringify(key)} fails its checksum.`;
    throw new RegistryError('STORE_CORRUPT', message, { details: { location: this.location } });
  }
}

async function openDb(location: string): Promise<Db> {
  const db: Db = new ClassicLevel(join(location, 'db'), { keyEncoding: 'utf8', valueEncoding: 'view' });
  await db.open();
  return db;
}

function frame(key: string, value: Uint8Array): Uint8Array {
  const framed = new Uint8Array(CHECKSUM_BYTES + value.length);
  viewOf(framed).setUint32(0, checksum(key, value));
  framed.set(value, CHECKSUM_BYTES);
  return framed;
}

/** Of the key, too: a value in another's place is no better than a damaged one. */
function checksum(key: string, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
