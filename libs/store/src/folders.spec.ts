import { appendFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyFolder, isEmptyFolder } from './folders.js';
import { temporaryFolder } from './temporary-folder.harness.js';

describe('folders', () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>;
  let from: string;
  let to: string;

  beforeEach(async () => {
    root = await temporaryFolder();
    from = join(root.path, 'from');
    to = join(root.path, 'copies', 'to');
    await mkdir(join(from, 'db', 'deeper'), { recursive: true });
    await writeFile(join(from, 'node.json'), '{}');
    await writeFile(join(from, 'db', '000001.log'), Buffer.alloc(100_000, 7));
    await writeFile(join(from, 'db', 'deeper', 'empty'), '');
  });

  afterEach(() => root.remove());

  it('are copied whole', async () => {
    await copyFolder(from, to);
    const names = async (path: string): Promise<string[]> => (await readdir(path, { recursive: true })).toSorted();
    expect(await names(to)).toEqual(await names(from));
    expect(Buffer.compare(await readFile(join(to, 'db', '000001.log')), Buffer.alloc(100_000, 7))).toBe(0);
  });

  it('are not taken for copied while somebody writes to them', async () => {
    const server = { runs: true };
    const writing = (async () => {
      while (server.runs) await appendFile(join(from, 'db', '000001.log'), 'more');
    })();
    await expect(copyFolder(from, to)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringMatching(/changed while it was copied/),
    });
    server.runs = false;
    await writing;
  });

  it('are empty with nothing in them, or when there are none', async () => {
    await mkdir(to, { recursive: true });
    expect([await isEmptyFolder(to), await isEmptyFolder(join(to, 'none')), await isEmptyFolder(from)]).toEqual([
      true,
      true,
      false,
    ]);
    await expect(isEmptyFolder(join(from, 'node.json'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(copyFolder(join(root.path, 'none'), to)).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });
});
