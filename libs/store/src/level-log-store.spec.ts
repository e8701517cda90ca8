import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { type LogEntry, type LogStore, type RecordOperation, RecordLogStore } from '#consensus';
import { logStoreContract } from '#consensus/testing';
import { RegistryError } from '#model';
import { LevelLogStore, LevelRecords } from './index.js';
import { startHolder } from './holder.harness.js';
import { temporaryFolder } from './temporary-folder.harness.js';

const hex = (value: number): string => value.toString(16).padStart(14, '0');

class FaultyRecords extends LevelRecords {
  writesUntilFailure = Infinity;
  reached: 'nothing' | 'everything' = 'nothing';
  /** Called when a batch is about to be written, and when it is. */
  around: { before(): Promise<void>; after(): Promise<void> } | undefined;

  override async write(operations: RecordOperation[]): Promise<void> {
    const fails = --this.writesUntilFailure === 0;
    await this.around?.before();
    if (!fails || this.reached === 'everything') await super.write(operations);
    await this.around?.after();
    if (fails) throw new RegistryError('STORE_FAILED', 'Input/output error');
  }
}

interface Medium {
  root: Awaited<ReturnType<typeof temporaryFolder>>;
  folder: string;
  records?: FaultyRecords;
}

/** Devices that fail every write, for real: a log file that is a link to one makes LevelDB fail. */
const BROKEN_DEVICES = { ENOSPC: '/dev/full', EIO: '/proc/self/mem' };

/**
 * What a power cut leaves of a batch: the files of before, and of what was added to the log file whatever `torn` makes
 * of it.
 */
async function cutPower(
  medium: Medium,
  store: LogStore,
  write: () => Promise<void>,
  torn: (before: Buffer, after: Buffer) => Buffer,
): Promise<void> {
  const image = join(medium.root.path, 'after-cut');
  const written = join(medium.root.path, 'written');
  medium.records!.around = {
    before: () => cp(medium.folder, image, { recursive: true }),
    after: () => cp(medium.folder, written, { recursive: true }),
  };
  await write();
  await store.close();
  for (const name of await readdir(join(written, 'db'))) {
    if (!name.endsWith('.log')) continue;
    const before = await readFile(join(image, 'db', name));
    const after = await readFile(join(written, 'db', name));
    await writeFile(join(image, 'db', name), torn(before, after));
  }
  medium.folder = image;
}

/** The log file that LevelDB writes has been opened long ago; it begins the next one after some megabytes. */
async function exhaust({ folder }: Medium, device: string): Promise<void> {
  for (let number = 1; number < 100; number++) {
    const file = join(folder, 'db', `${String(number).padStart(6, '0')}.log`);
    await symlink(device, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function repair({ folder }: Medium): Promise<void> {
  for (const entry of await readdir(join(folder, 'db'), { withFileTypes: true }))
    if (entry.isSymbolicLink()) await rm(join(folder, 'db', entry.name));
}

const TABLE_FOOTER_BYTES = 48;

/** Where the blocks of records end in a table of LevelDB: a number of seven bits a byte at the start of its footer. */
function endOfData(table: Buffer): number {
  let end = 0;
  let at = table.length - TABLE_FOOTER_BYTES;
  for (let shift = 0; ; shift += 7) {
    const byte = table[at++]!;
    end |= (byte & 0x7f) << shift;
    if (byte < 0x80) return end;
  }
}

/** Changes a record behind the store's back. */
async function tamper(medium: Medium, change: (db: ClassicLevel<string, Uint8Array>) => Promise<void>): Promise<void> {
  const db = new ClassicLevel<string, Uint8Array>(join(medium.folder, 'db'), { valueEncoding: 'view' });
  await db.open();
  await change(db);
  await db.close();
}

const flip = (key: string) => async (db: ClassicLevel<string, Uint8Array>) => {
  const bytes = Uint8Array.from((await db.get(key))!);
  bytes[bytes.length - 1]! ^= 1;
  await db.put(key, bytes);
};

logStoreContract<Medium>('LevelLogStore', {
  createMedium: async () => {
    const root = await temporaryFolder();
    return { root, folder: join(root.path, 'log') };
  },
  createStore: (medium) => new RecordLogStore((medium.records = new FaultyRecords(medium.folder))),
  disposeMedium: ({ root }) => root.remove(),
  // What the kernel has been given survives kill -9: a copy of the files while they are open is what is found.
  crash: async (medium, store) => {
    const copy = join(medium.root.path, 'after-crash');
    await cp(medium.folder, copy, { recursive: true });
    await store.close();
    medium.folder = copy;
  },
  cutPower: (medium, store, write, share) =>
    cutPower(medium, store, write, (before, after) =>
      after.subarray(0, before.length + Math.round((after.length - before.length) * share)),
    ),
  failWrite: (medium, _store, nth, reached) => {
    Object.assign(medium.records!, { writesUntilFailure: nth, reached });
  },
  exhaust: (medium, _store, reason) => exhaust(medium, BROKEN_DEVICES[reason]),
  repair,
  flipBitInEntry: (medium, index) => tamper(medium, flip(`entries/${hex(index)}`)),
  flipBitInSnapshot: (medium, index) => tamper(medium, flip(`chunk/${hex(index)}/${hex(0)}`)),
  loseEntry: (medium, index) => tamper(medium, (db) => db.del(`entries/${hex(index)}`)),
});

const SECTOR_BYTES = 512;

describe('a batch of LevelDB', () => {
  let medium: Medium;
  let store: LogStore;

  beforeEach(async () => {
    const root = await temporaryFolder();
    medium = { root, folder: join(root.path, 'log') };
    store = new RecordLogStore((medium.records = new FaultyRecords(medium.folder)));
    await store.open();
  });

  afterEach(async () => {
    await store.close();
    await medium.root.remove();
  });

  // A disk may write the sectors of one flush in any order.
  it.each([1, 2, 3, 5, 9])('of which the power cut took every sector number %i never was', async (every) => {
    await store.write({
      hardState: { term: 1, vote: 'n1' },
      entries: [{ index: 1, term: 1, payload: Buffer.from('x') }],
    });
    const payload = Buffer.alloc(20_000, 'y');
    const write = (): Promise<void> =>
      store.write({
        hardState: { term: 2, vote: 'n2' },
        entries: [2, 3, 4].map((index) => ({ index, term: 2, payload })),
      });
    await cutPower(medium, store, write, (before, after) => {
      const image = Buffer.from(after);
      const first = Math.ceil(before.length / SECTOR_BYTES);
      for (let sector = first; sector * SECTOR_BYTES < image.length; sector++)
        if ((sector - first) % every === every - 1)
          image.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES).fill(0);
      return image;
    });
    store = new LevelLogStore(medium.folder);
    const { term, vote, entries } = await store.open();
    expect({ term, vote, last: entries.length }).toEqual({ term: 1, vote: 'n1', last: 1 });
  });

  it('is synced, whatever it holds: LevelDB syncs no log file but the one it writes, and none by itself', async () => {
    const db = (medium.records as unknown as { db: ClassicLevel<string, Uint8Array> }).db;
    const syncs: unknown[] = [];
    const begin = db.batch.bind(db) as () => ReturnType<typeof db.batch>;
    db.batch = (() => {
      const batch = begin();
      const finish = batch.write.bind(batch);
      batch.write = (options?: { sync?: boolean }) => {
        syncs.push(options?.sync);
        return finish(options ?? {});
      };
      return batch;
    }) as typeof db.batch;
    await store.write({ hardState: { term: 1, vote: null } });
    await store.write({ entries: [{ index: 1, term: 1, payload: Buffer.alloc(3) }] });
    await store.write({ truncateFrom: 1 });
    await store.saveSnapshot({ index: 5, term: 1, payload: Buffer.alloc(600_000) });
    // The snapshot is three parts and the pointer to them.
    expect(syncs).toEqual(Array(7).fill(true));
  });
});

describe('a log in a folder', () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>;
  let folder: string;

  beforeEach(async () => {
    root = await temporaryFolder();
    folder = join(root.path, 'meta', 'log');
  });

  afterEach(() => root.remove());

  const entry = (index: number): LogEntry => ({ index, term: 1, payload: Buffer.from(`command number ${index}`) });

  const fill = async (store: LogStore, from: number, to: number): Promise<void> => {
    for (let index = from; index <= to; index++) await store.write({ entries: [entry(index)] });
  };

  /** What opening says, in a word: the log whole, or why not. */
  const open = async (path: string, last: number): Promise<string> => {
    const store = new LevelLogStore(path);
    try {
      const { entries, vote } = await store.open();
      const whole = vote === 'n1' && entries.length === last && entries.every((e, i) => text(e) === text(entry(i + 1)));
      return whole ? 'whole' : `silently ${entries.length} entries and the vote of ${vote}`;
    } catch (error) {
      return error instanceof RegistryError ? error.code : String(error);
    } finally {
      await store.close();
    }
  };
  const text = ({ payload }: LogEntry): string => Buffer.from(payload).toString();

  it('is either whole or refused, whichever byte of its files is damaged', async () => {
    const store = new LevelLogStore(folder);
    await store.open();
    await store.write({ hardState: { term: 1, vote: 'n1' } });
    await fill(store, 1, 40);
    await store.close();
    const files = (await readdir(join(folder, 'db'))).filter((name) => /\.(log|ldb)$/.test(name));
    const outcomes = new Map<string, number>();
    for (const name of files) {
      const original = await readFile(join(folder, 'db', name));
      const step = Math.max(1, Math.floor(original.length / 60));
      for (let at = 0; at < original.length; at += step) {
        const damaged = join(root.path, `damaged-${name}-${at}`);
        await cp(folder, damaged, { recursive: true });
        const bytes = Buffer.from(original);
        bytes[at]! ^= 0x40;
        await writeFile(join(damaged, 'db', name), bytes);
        const outcome = await open(damaged, 40);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        await rm(damaged, { recursive: true });
      }
    }
    expect([...outcomes.keys()].filter((outcome) => !['whole', 'STORE_CORRUPT'].includes(outcome))).toEqual([]);
    expect(outcomes.get('STORE_CORRUPT')).toBeGreaterThan(40);
  });

  it('says which record is broken, also where LevelDB itself cannot read it', async () => {
    const store = new LevelLogStore(folder);
    await store.open();
    await store.write({ hardState: { term: 1, vote: 'n1' } });
    const entries = Array.from({ length: 300 }, (_, i) => ({ ...entry(i + 1), payload: Buffer.alloc(200, `${i} `) }));
    await store.write({ entries });
    await store.saveSnapshot({ index: 20, term: 1, payload: Buffer.alloc(20_000, 'state and ') });
    await store.close();
    // Opened again, it has moved from the write-ahead log into a table of compressed blocks.
    await open(folder, 0);
    const [name] = (await readdir(join(folder, 'db'))).filter((each) => each.endsWith('.ldb'));
    const original = await readFile(join(folder, 'db', name!));
    const named = new Map<string, number>();
    // Damage behind the data, in its own index, LevelDB may answer by ending the process.
    const length = endOfData(original);
    for (let at = 0; at < length; at += Math.ceil(length / 150)) {
      const damaged = join(root.path, `damaged-${at}`);
      await cp(folder, damaged, { recursive: true });
      const bytes = Buffer.from(original);
      bytes[at]! ^= 0x10;
      await writeFile(join(damaged, 'db', name!), bytes);
      const failure = await new LevelLogStore(damaged).open().then(
        () => undefined,
        ({ code, message }: RegistryError) => ({ code, message }),
      );
      await rm(damaged, { recursive: true });
      if (!failure) continue;
      expect(failure.code).toBe('STORE_CORRUPT');
      const what =
        /is damaged: (entry|what follows entry|entries|part|records that are needed no longer|the (?:snapshot|record|vote)) .*docs\/recovery\.md/;
      const [, kind] = what.exec(failure.message) ?? [undefined, failure.message];
      named.set(kind!, (named.get(kind!) ?? 0) + 1);
      if (failure.message.includes('cannot be read')) named.set('unreadable', (named.get('unreadable') ?? 0) + 1);
    }
    expect([...named.keys()].filter((kind) => kind.includes('damaged'))).toEqual([]);
    for (const kind of ['entry', 'unreadable']) expect(named.get(kind)).toBeGreaterThan(0);
  });

  it('is refused when its files were put back to an earlier day', async () => {
    const store = new LevelLogStore(folder);
    await store.open();
    await store.write({ hardState: { term: 1, vote: 'n1' } });
    await fill(store, 1, 3);
    await cp(join(folder, 'db'), join(root.path, 'earlier'), { recursive: true });
    await fill(store, 4, 6);
    await store.close();
    await rm(join(folder, 'db'), { recursive: true });
    await cp(join(root.path, 'earlier'), join(folder, 'db'), { recursive: true });
    await expect(new LevelLogStore(folder).open()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('entries 4 to 6 are missing'),
    });
    await rm(join(folder, 'db'), { recursive: true });
    expect(await open(folder, 6)).toBe('STORE_CORRUPT');
  });

  it('is taken as it is when only the witness was damaged or lost', async () => {
    const store = new LevelLogStore(folder);
    await store.open();
    await store.write({ hardState: { term: 1, vote: 'n1' } });
    await fill(store, 1, 3);
    await store.close();
    await writeFile(join(folder, 'witness'), 'damaged beyond recognition');
    expect(await open(folder, 3)).toBe('whole');
    await rm(join(folder, 'witness'));
    expect(await open(folder, 3)).toBe('whole');
  });

  it('is refused while another process holds it, and free as soon as that one is killed', async () => {
    await mkdir(folder, { recursive: true });
    const holder = await startHolder(join(folder, 'db'));
    try {
      await expect(new LevelLogStore(folder).open()).rejects.toMatchObject({
        code: 'STORE_LOCKED',
        message: expect.stringMatching(/in use by another process.*configure another folder/),
      });
    } finally {
      await holder.kill();
    }
    const store = new LevelLogStore(folder);
    await store.open();
    await store.close();
  });

  it('cannot be where no folder can be', async () => {
    await writeFile(join(root.path, 'meta'), 'a file');
    await expect(new LevelLogStore(folder).open()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/cannot be read or written.*permissions/),
    });
  });

  it('is refused as damaged when LevelDB itself says so', async () => {
    const store = new LevelLogStore(folder);
    await store.open();
    await fill(store, 1, 3);
    await store.close();
    const manifest = (await readdir(join(folder, 'db'))).find((name) => name.startsWith('MANIFEST'))!;
    await writeFile(join(folder, 'db', manifest), 'nonsense');
    await expect(new LevelLogStore(folder).open()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringMatching(
        /The log in .* is damaged: the records in it cannot be opened .*In a group, replace this server/,
      ),
    });
  });
});
