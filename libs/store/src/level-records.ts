import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { RecordOperation, Records } from '#consensus';
import { storeError } from './failures.js';
import { makeFolder, syncFolder } from './files.js';

/** Notes come with every write; one in this time is enough. */
const NOTE_EVERY_MS = 20;
/** A sync takes the disk from the writes of the log, and a note that a power cut takes away costs nothing. */
const SYNC_EVERY_NOTES = 50;
const WITNESS_BYTES_MAX = 4096;

/**
 * Records in LevelDB, and the witness in a file of its own beside it. LevelDB syncs the file it is writing and no
 * earlier one, so every write is synced, not only the last of several.
 */
export class LevelRecords implements Records {
  /** Made in `open`, since LevelDB opens itself as soon as it is made. */
  private db!: ClassicLevel<string, Uint8Array>;
  private witnessFile: FileHandle | undefined;
  private noted: Uint8Array | undefined;
  private noteTimer: NodeJS.Timeout | undefined;
  private notes = 0;
  private witnessWrites: Promise<void> = Promise.resolve();

  constructor(readonly location: string) {}

  open(): Promise<void> {
    return this.attempt(async () => {
      await makeFolder(this.location);
      this.db = new ClassicLevel(join(this.location, 'db'), { keyEncoding: 'utf8', valueEncoding: 'view' });
      await this.db.open();
      try {
        this.witnessFile = await openOrCreate(join(this.location, 'witness'));
        await syncFolder(this.location);
      } catch (error) {
        await this.db.close();
        throw error;
      }
    });
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.attempt(() => this.db.get(key));
  }

  async *range(from: string, to: string): AsyncIterable<[string, Uint8Array]> {
    try {
      yield* this.db.iterator({ gte: from, lt: to });
    } catch (error) {
      throw storeError(error, this.location);
    }
  }

  write(operations: RecordOperation[]): Promise<void> {
    return this.attempt(() => {
      // A third of what one array of operations costs, which is cloned one by one and then read back through N-API.
      const batch = this.db.batch();
      for (const { type, key, value } of operations) {
        if (type === 'put') batch.put(key, value);
        else batch.del(key);
      }
      return batch.write({ sync: true });
    });
  }

  discard(from: string, to: string): Promise<void> {
    return this.attempt(() => this.db.clear({ gte: from, lt: to }));
  }

  async readWitness(): Promise<Uint8Array | undefined> {
    const buffer = Buffer.alloc(WITNESS_BYTES_MAX);
    const { bytesRead } = await this.attempt(() => this.witnessFile!.read(buffer, 0, buffer.length, 0));
    const length = bytesRead < 4 ? 0 : buffer.readUInt32BE(0);
    return length > 0 && length + 4 <= bytesRead ? buffer.subarray(4, 4 + length) : undefined;
  }

  writeWitness(bytes: Uint8Array): Promise<void> {
    return this.putWitness(bytes, true);
  }

  noteWitness(bytes: Uint8Array): void {
    this.noted = bytes;
    this.noteTimer ??= setTimeout(() => {
      this.notes++;
      this.putWitness(this.noted!, this.notes % SYNC_EVERY_NOTES === 0).catch(() => {});
    }, NOTE_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.noteTimer);
    this.noteTimer = undefined;
    await this.witnessWrites;
    await this.witnessFile?.close();
    this.witnessFile = undefined;
    await this.db.close();
  }

  private putWitness(bytes: Uint8Array, isDurable: boolean): Promise<void> {
    clearTimeout(this.noteTimer);
    this.noteTimer = undefined;
    this.noted = undefined;
    // In place and in one piece: a disk writes a sector whole, and a witness that is torn is only as good as none.
    const framed = Buffer.alloc(4 + bytes.length);
    framed.writeUInt32BE(bytes.length, 0);
    framed.set(bytes, 4);
    const written = this.witnessWrites.then(() =>
      this.attempt(async () => {
        await this.witnessFile!.write(framed, 0, framed.length, 0);
        if (isDurable) await this.witnessFile!.datasync();
      }),
    );
    this.witnessWrites = written.catch(() => {});
    return written;
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, this.location);
    }
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(path, 'w+');
  }
}
