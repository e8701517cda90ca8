import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_SWITCHES, type RoutingTable } from '#model';
import { ServerFolder } from './index.js';
import { startHolder } from './holder.harness.js';
import { temporaryFolder } from './temporary-folder.harness.js';

function table(epoch: number): RoutingTable {
  const slots = Array.from({ length: 4 }, () => ({ leader: 'd1', leaderEpoch: epoch, followers: [], joining: [] }));
  return { clusterId: 'größer', epoch, slots, members: [], departed: [] };
}

describe("a server's folder", () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>;
  let path: string;
  let folder: ServerFolder;

  beforeEach(async () => {
    root = await temporaryFolder();
    path = join(root.path, 'data', 'server');
    folder = await ServerFolder.open(path);
  });

  afterEach(async () => {
    await folder.close();
    await root.remove();
  });

  const reopen = async (): Promise<void> => {
    await folder.close();
    folder = await ServerFolder.open(path);
  };

  it('begins without a table and gives back the last one saved', async () => {
    expect(await folder.loadTable()).toBeUndefined();
    await folder.saveTable(table(1));
    await folder.saveTable(table(2));
    await reopen();
    expect(await folder.loadTable()).toEqual(table(2));
    expect(folder.warnings).toEqual([]);
  });

  it('writes one table for many that come at once, the latest', async () => {
    const saved = Array.from({ length: 100 }, (_, i) => folder.saveTable(table(i + 1)));
    expect(new Set(saved).size).toBe(1);
    await Promise.all(saved);
    expect(await folder.loadTable()).toEqual(table(100));
    const first = folder.saveTable(table(101));
    // Begun, so that what comes now waits for the next write.
    await Promise.resolve().then(() => {});
    const second = folder.saveTable(table(102));
    const third = folder.saveTable(table(103));
    expect(third).toBe(second);
    await Promise.all([first, second]);
    expect(await folder.loadTable()).toEqual(table(103));
  });

  it('finishes saving before it closes, and saves nothing after', async () => {
    const saved = folder.saveTable(table(7));
    await folder.close();
    await saved;
    await expect(folder.saveTable(table(8))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await expect(folder.nextRun()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    folder = await ServerFolder.open(path);
    expect(await folder.loadTable()).toEqual(table(7));
  });

  it('does without a damaged table, whatever happened to it, and says so', async () => {
    await folder.saveTable(table(1));
    const file = join(path, 'table.json');
    const content = await readFile(file, 'utf8');
    const damages = [
      '',
      'x',
      content.slice(0, -20),
      content.replace('"epoch":1', '"epoch":2'),
      content.replace('{', '['),
    ];
    for (const damaged of [...damages, content.replace('"format":1', '"format":99')]) {
      await reopen();
      await writeFile(file, damaged);
      expect(await folder.loadTable()).toBeUndefined();
      expect(folder.warnings).toEqual([expect.stringMatching(/table\.json is damaged/)]);
    }
    await folder.saveTable(table(2));
    expect(await folder.loadTable()).toEqual(table(2));
  });

  it('keeps the switches beside the table, each damaged or not by itself', async () => {
    expect(await folder.loadSwitches()).toBeUndefined();
    const switches = { version: 3, switches: { ...DEFAULT_SWITCHES, readOnly: true } };
    await Promise.all([folder.saveTable(table(1)), folder.saveSwitches(switches)]);
    await reopen();
    expect(await folder.loadSwitches()).toEqual(switches);
    await writeFile(join(path, 'switches.json'), 'x');
    expect(await folder.loadSwitches()).toBeUndefined();
    expect(await folder.loadTable()).toEqual(table(1));
    expect(folder.warnings).toEqual([expect.stringMatching(/switches\.json is damaged/)]);
  });

  it('is not confused by a table that a crash left half written', async () => {
    await folder.saveTable(table(1));
    await writeFile(join(path, 'table.json.tmp'), 'half of a ta');
    await reopen();
    expect(await folder.loadTable()).toEqual(table(1));
    await folder.saveTable(table(2));
    expect((await readdir(path)).toSorted()).toEqual(['lock', 'table.json']);
  });

  it('counts runs, and never gives a number twice', async () => {
    expect(await folder.nextRun()).toBe(1);
    expect(await Promise.all([folder.nextRun(), folder.nextRun()])).toEqual([2, 3]);
    await reopen();
    expect(await folder.nextRun()).toBe(4);
  });

  it('does not guess a run that is damaged; a person may write one', async () => {
    await folder.nextRun();
    await writeFile(join(path, 'run'), (await readFile(join(path, 'run'), 'utf8')).replace('1', '3'));
    await expect(folder.nextRun()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringMatching(/run is damaged.*higher than any earlier/),
    });
    await writeFile(join(path, 'run'), '');
    await expect(folder.nextRun()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await writeFile(join(path, 'run'), '41\n');
    expect(await folder.nextRun()).toBe(42);
  });

  it('serves one process at a time, and the next as soon as that one is killed', async () => {
    await expect(ServerFolder.open(path)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: `The folder ${path} is in use by another process. Stop that one, or configure another folder.`,
    });
    await folder.close();
    const holder = await startHolder(join(path, 'lock'));
    try {
      await expect(ServerFolder.open(path)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    } finally {
      await holder.kill();
    }
    folder = await ServerFolder.open(path);
  });

  it('says what to do where no folder can be made', async () => {
    await writeFile(join(root.path, 'file'), '');
    await expect(ServerFolder.open(join(root.path, 'file', 'server'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/file.server cannot be read or written: .*Check its permissions/),
    });
  });

  it('tells when a table cannot be saved, and tries again with the next', async () => {
    const blocked = join(path, 'table.json.tmp');
    const { mkdir, rmdir } = await import('node:fs/promises');
    await mkdir(blocked);
    await expect(folder.saveTable(table(1))).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await rmdir(blocked);
    await folder.saveTable(table(2));
    expect(await folder.loadTable()).toEqual(table(2));
  });
});
