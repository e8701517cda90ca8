import { readFile, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { LevelWarmStore } from './index.js';
import { temporaryFolder } from './temporary-folder.harness.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Devices that fail every write, for real: a log file that is a link to one makes LevelDB fail. */
const BROKEN_DEVICES = { ENOSPC: '/dev/full', EIO: '/proc/self/mem' };

describe('the store of a copy in LevelDB', () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>;
  let location: string;

  const open = (): Promise<LevelWarmStore> => LevelWarmStore.open(location);

  async function contents(store: LevelWarmStore): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const records of store.load(2))
      for (const [key, value] of records) found[key] = new TextDecoder().decode(value);
    return found;
  }

  /** A closed store with these records, in files of the table or only in the log. */
  async function filled(count: number): Promise<Record<string, string>> {
    const store = await open();
    const records = Array.from({ length: count }, (_, i): [string, string] => [`1 ${i}`, `value ${i}`]);
    for (const [key, value] of records) await store.write([{ key, value: bytes(value) }]);
    await store.close();
    return Object.fromEntries(records);
  }

  async function fileOf(ending: string): Promise<string> {
    const name = (await readdir(join(location, 'db'))).find((each) => each.endsWith(ending));
    return join(location, 'db', name!);
  }

  beforeEach(async () => {
    root = await temporaryFolder();
    location = join(root.path, 'warm');
  });

  afterEach(() => root.remove());

  it('keeps what was written over a restart, and drops what was erased', async () => {
    const store = await open();
    await Promise.all([
      store.write(['00001 a', '00001 b', '00002 a', '00012 a'].map((key) => ({ key, value: bytes(key) }))),
      store.erasePrefix('00001 '),
      store.write([{ key: '00001 c', value: bytes('c') }, { key: '00002 a' }]),
    ]);
    await store.close();
    const again = await open();
    expect(await contents(again)).toEqual({ '00001 c': 'c', '00012 a': '00012 a' });
    await again.erase();
    expect(await contents(again)).toEqual({});
    await again.write([{ key: 'd', value: bytes('d') }]);
    expect(await contents(again)).toEqual({ d: 'd' });
    expect(again.warnings).toEqual([]);
    await again.close();
    await expect(again.write([])).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('says that it is damaged where a byte has changed, and can be begun anew', async () => {
    await filled(3);
    const db = new ClassicLevel<string, Uint8Array>(join(location, 'db'), { valueEncoding: 'view' });
    const framed = (await db.get('1 1'))!;
    framed[framed.length - 1]! ^= 1;
    await db.put('1 1', framed);
    await db.close();
    const store = await open();
    await expect(contents(store)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await store.erase();
    expect(await contents(store)).toEqual({});
    await store.close();
  });

  it('has only what was written before where its log is cut short', async () => {
    const records = await filled(20);
    const log = await fileOf('.log');
    await truncate(log, (await readFile(log)).length - 30);
    const store = await open();
    const found = await contents(store);
    expect(Object.keys(found).length).toBeLessThan(20);
    expect(records).toMatchObject(found);
    await store.write([{ key: '2', value: bytes('after') }]);
    await store.close();
  });

  it.each(['CURRENT', 'MANIFEST'])('is begun anew where its %s is damaged, and says so', async (name) => {
    await filled(3);
    const file = join(
      location,
      'db',
      (await readdir(join(location, 'db'))).find((each) => each.startsWith(name))!,
    );
    await writeFile(file, 'nonsense');
    const store = await open();
    expect(store.warnings).toEqual([expect.stringMatching(/begun anew/)]);
    expect(await contents(store)).toEqual({});
    await store.write([{ key: 'a', value: bytes('a') }]);
    await store.close();
  });

  it('is begun anew where it is of another format', async () => {
    await filled(3);
    const db = new ClassicLevel<string, string>(join(location, 'db'));
    await db.del('!format');
    await db.close();
    const store = await open();
    expect(await contents(store)).toEqual({});
    await store.close();
  });

  it.each(['ENOSPC', 'EIO'] as const)(
    'fails its writes (%s), and takes them again once it was erased',
    async (reason) => {
      const store = await open();
      // The file that it writes has been opened long ago; it begins the next one after some megabytes.
      for (let number = 1; number < 100; number++)
        await symlink(BROKEN_DEVICES[reason], join(location, 'db', `${String(number).padStart(6, '0')}.log`)).catch(
          () => {},
        );
      const large = { key: 'a', value: new Uint8Array(1 << 20) };
      const fill = async (): Promise<void> => {
        for (let i = 0; i < 20; i++) await store.write([large]);
      };
      await expect(fill()).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await expect(store.write([large])).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await store.erase();
      await fill();
      expect(Object.keys(await contents(store))).toEqual(['a']);
      await store.close();
    },
  );

  it('opens where it cannot be had, and fails its writes until it can', async () => {
    const parent = join(root.path, 'parent');
    await writeFile(parent, 'a file, where a folder should be');
    const store = await LevelWarmStore.open(join(parent, 'warm'));
    expect(store.warnings).toEqual([expect.stringMatching(/cannot be begun anew/)]);
    expect(await contents(store)).toEqual({});
    await expect(store.write([{ key: 'a', value: bytes('a') }])).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(store.erase()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await rm(parent);
    await store.erase();
    await store.write([{ key: 'a', value: bytes('a') }]);
    expect(await contents(store)).toEqual({ a: 'a' });
    await store.close();
  });
});
