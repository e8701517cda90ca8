import { rename } from 'node:fs/promises';
import { RegistryError } from '#model';
import { type CheckedDb, frame, openCheckedDb, unframe } from './checked-records.js';
import { storeError } from './failures.js';
import { makeFolder } from './files.js';
import type { SlotStore, SlotWrite } from './slot-store.js';

interface Waiting {
  writes: SlotWrite[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Before all keys of slots, which begin with a letter. */
const ID_KEY = '!disk';

/**
 * A store of slots in LevelDB. What is asked for while a write is under way goes into the next, so that many small writes
 * share one sync. The disk's id is a record among the others: it cannot outlive them.
 */
export class LevelSlotStore implements SlotStore {
  /** What was found damaged and done without. */
  readonly warnings: string[] = [];
  diskId = '';
  private db: CheckedDb | undefined;
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
      for await (const [key, framed] of this.db!.iterator({ gt: ID_KEY }))
        yield [key, unframe(this.location, key, framed)];
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
      this.db = await openCheckedDb(this.location);
      const id = await this.db.get(ID_KEY);
      if (id) {
        this.diskId = new TextDecoder().decode(unframe(this.location, ID_KEY, id));
        for await (const [key, framed] of this.db.iterator({ gt: ID_KEY })) unframe(this.location, key, framed);
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
    this.db ??= await openCheckedDb(this.location);
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
}
