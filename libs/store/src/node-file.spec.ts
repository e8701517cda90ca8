import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeFile } from './node-file.js';
import { temporaryFolder } from './temporary-folder.harness.js';

describe('the file that says who a node is', () => {
  const identity = { id: '127.0.0.1:1', bootstrap: { voters: ['127.0.0.1:1', '127.0.0.1:2'], learners: [] } };

  let folder: { path: string; remove(): Promise<void> };

  beforeEach(async () => {
    folder = await temporaryFolder();
  });

  afterEach(() => folder.remove());

  it('is missing at first, and says afterwards what was saved', async () => {
    const path = join(folder.path, 'new', 'folder');
    expect(await new NodeFile(path).load()).toBeUndefined();
    await new NodeFile(path).save(identity);
    expect(await new NodeFile(path).load()).toEqual(identity);
  });

  it.each([
    ['a changed byte', (content: string) => content.replace('127.0.0.1:2', '127.0.0.1:3')],
    ['a file cut short', (content: string) => content.slice(0, 20)],
    ['something else', () => '{}'],
  ])('is refused with %s', async (_, damage) => {
    await new NodeFile(folder.path).save(identity);
    const path = join(folder.path, 'node.json');
    await writeFile(path, damage(await readFile(path, 'utf8')));
    await expect(new NodeFile(folder.path).load()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});
