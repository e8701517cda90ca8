import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { LevelSlotStore } from './index.js';
import { temporaryFolder } from './temporary-folder.harness.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the store of slots in LevelDB', () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>;
  let location: string;
  let ids = 0;

  const open = (): Promise<LevelSlotStore> => LevelSlotStore.open(location, () => `id-${++ids}`);

  async function contents(store: LevelSlotStore): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const [key, value] of store.load()) found[key] = new TextDecoder().decode(value);
    return found;
  }

  beforeEach(async () => {
    root = await temporaryFolder();
    location = join(root.path, 'slots');
    ids = 0;
  });

  afterEach(() => root.remove());

  it('keeps what was written, and its id, over a restart', async () => {
    const store = await open();
    await Promise.all([
      store.write([
        { key: 'a', value: bytes('1') },
        { key: 'b', value: bytes('2') },
      ]),
      store.write([{ key: 'a', value: bytes('3') }]),
      store.write([{ key: 'b' }, { key: 'c', value: bytes('4') }]),
    ]);
    await store.close();
    const again = await open();
    expect(again.diskId).toBe('id-1');
    expect(await contents(again)).toEqual({ a: '3', c: '4' });
    await again.close();
    await expect(again.write([])).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('is another disk once its folder was emptied', async () => {
    await (await open()).close();
    await root.remove();
    const again = await open();
    expect(again.diskId).toBe('id-2');
    await again.close();
  });

  it.each([
    ['a damaged record', 'a', bytes('12345')],
    ['a damaged id', '!disk', bytes('12345')],
  ])('moves a store with %s aside, and begins an empty one with another id', async (_, key, value) => {
    const store = await open();
    await store.write([{ key: 'a', value: bytes('1') }]);
    await store.close();
    const db = new ClassicLevel<string, Uint8Array>(join(location, 'db'), { valueEncoding: 'view' });
    await db.put(key, value);
    await db.close();
    const again = await open();
    expect(again.diskId).not.toBe('id-1');
    expect(await contents(again)).toEqual({});
    expect(again.warnings).toEqual([expect.stringMatching(/fails its checksum.*was moved to/)]);
    expect((await readdir(root.path)).filter((name) => name.includes('damaged'))).toHaveLength(1);
    await again.close();
  });
});
