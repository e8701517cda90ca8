import { rm } from 'node:fs/promises';
import { RegistryError } from '#model';
import { type CheckedDb, frame, openCheckedDb, unframe } from './checked-records.js';
import { storeError } from './failures.js';
import { makeFolder } from './files.js';
import type { SlotWrite } from './slot-store.js';

/** Before all keys of records, which begin with a digit. */
const FORMAT_KEY = '!format';
const FORMAT = '1';
const READ_BYTES = 256 * 1024;

/**
 * A copy in LevelDB of what is in memory anyway: nothing is synced, and whatever is wrong with it is reason to begin it
 * anew. It opens in any case; where there is no store to be had, writes fail until `erase` has made one.
 */
export class LevelWarmStore {
  /** What was found damaged, or could not be had, and is done without. */
  readonly warnings: string[] = [];
  private db: CheckedDb | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  private constructor(private readonly location: string) {}

  static async open(location: string): Promise<LevelWarmStore> {
    const store = new LevelWarmStore(location);
    await store.begin().catch((error: unknown) => store.withoutIt(error));
    return store;
  }

  /**
   * All there is, in the order of keys, some at a time: one by one would cost more than to read them.
   * @throws RegistryError STORE_CORRUPT, STORE_FAILED: then `erase` is due
   */
  async *load(atOnce = 200): AsyncIterable<[key: string, value: Uint8Array][]> {
    const iterator = this.db?.iterator({ gt: FORMAT_KEY, highWaterMarkBytes: READ_BYTES });
    try {
      for (;;) {
        const entries = (await iterator?.nextv(atOnce)) ?? [];
        if (entries.length === 0) return;
        yield entries.map(([key, framed]) => [key, unframe(this.location, key, framed)]);
      }
    } catch (error) {
      throw storeError(error, this.location);
    } finally {
      await iterator?.close().catch(() => {});
    }
  }

  /** In order with all other calls. @throws RegistryError STORE_FAILED: then nothing can be written until `erase` */
  write(writes: SlotWrite[]): Promise<void> {
    return this.inOrder(async () => {
      const batch = this.opened().batch();
      for (const { key, value } of writes) {
        if (value) batch.put(key, frame(key, value));
        else batch.del(key);
      }
      await batch.write();
    });
  }

  /** Removes every record whose key begins with this. */
  erasePrefix(prefix: string): Promise<void> {
    return this.inOrder(() => this.opened().clear({ gte: prefix, lt: `${prefix}\u{10ffff}` }));
  }

  /** Begins anew with nothing. */
  erase(): Promise<void> {
    return this.inOrder(async () => {
      await this.end();
      await rm(this.location, { recursive: true, force: true });
      await this.begin();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.last;
    await this.end();
  }

  private opened(): CheckedDb {
    if (this.db) return this.db;
    throw new RegistryError('STORE_FAILED', `The folder ${this.location} could not be opened, or written to.`);
  }

  /** One of another format is as good as none. */
  private async begin(): Promise<void> {
    await makeFolder(this.location);
    this.db = await openCheckedDb(this.location);
    const format = await this.db.get(FORMAT_KEY);
    const isOurs = format && new TextDecoder().decode(unframe(this.location, FORMAT_KEY, format)) === FORMAT;
    if (isOurs) return;
    await this.db.clear();
    await this.db.put(FORMAT_KEY, frame(FORMAT_KEY, new TextEncoder().encode(FORMAT)));
  }

  private async withoutIt(error: unknown): Promise<void> {
    const { message } = storeError(error, this.location);
    try {
      await this.end();
      await rm(this.location, { recursive: true, force: true });
      await this.begin();
      this.warnings.push(`${message} It is only a copy, and was begun anew.`);
    } catch (again) {
      await this.end();
      this.warnings.push(`${message} It cannot be begun anew: ${storeError(again, this.location).message}`);
    }
  }

  private async end(): Promise<void> {
    const { db } = this;
    this.db = undefined;
    await db?.close().catch(() => {});
  }

  private inOrder(work: () => Promise<void>): Promise<void> {
    if (this.isClosed) return Promise.reject(new RegistryError('SHUTTING_DOWN', `${this.location} is closed.`));
    const done = this.last.then(async () => {
      try {
        await work();
      } catch (error) {
        await this.end();
        throw storeError(error, this.location);
      }
    });
    this.last = done.catch(() => {});
    return done;
  }
}
