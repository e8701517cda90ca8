import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from './files.js';

describe('making a folder', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'rollcall-files-'));
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  it('makes what is missing above it too, also when several do so at once', async () => {
    const paths = ['a/b/c', 'a/b/d', 'a/b/c'].map((path) => join(root, path));
    await Promise.all(paths.map(makeFolder));
    for (const path of paths) expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('fails where nothing can be made, instead of trying for ever', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(makeFolder(join(root, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('fails also where the parent exists and takes nothing, as /proc does', async () => {
    const elsewhere = join(root, 'file', 'x', 'y');
    await writeFile(join(root, 'file'), '');
    await expect(makeFolder(process.platform === 'linux' ? '/proc/rollcall/x' : elsewhere)).rejects.toThrow(/ENO/);
  });
});
