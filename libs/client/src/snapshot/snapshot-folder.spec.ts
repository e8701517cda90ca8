import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { KeptView } from '#registry';
import { fileNameOf } from './files.js';
import { decodeRecord, encodeRecord } from './record.js';
import { SnapshotFolder, type SnapshotProblem } from './snapshot-folder.js';

let folder: string;
let problems: SnapshotProblem[];
const open: SnapshotFolder[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-snapshot-'));
  problems = [];
});

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await rm(folder, { recursive: true, force: true });
});

function opened(options: { maxBytes?: number; token?: string; name?: string } = {}): SnapshotFolder {
  const { token = 't1', name = 'app', maxBytes } = options;
  const snapshot = new SnapshotFolder(
    { folder, ...(maxBytes === undefined ? {} : { maxBytes }) },
    { name, token, wallMs: () => Date.now(), report: (problem) => void problems.push(problem) },
  );
  open.push(snapshot);
  return snapshot;
}

function viewOf(dataInfoId: string, bytes = 1, clusterId = 'c1'): KeptView {
  const publisher = { ...{ registerId: 'r1', zone: '', appName: '' }, registerTimestamp: 1, data: ['x'.repeat(bytes)] };
  return { dataInfoId, clusterId, version: '1.1', publishers: [publisher] };
}

async function kept(...views: KeptView[]): Promise<SnapshotFolder> {
  const snapshot = opened();
  await snapshot.keepServers({ clusterId: 'c1', sessions: ['a:1'] });
  await snapshot.keep(views);
  await snapshot.close();
  return opened();
}

const fileOf = async (): Promise<string> => {
  const names = await readdir(join(folder, 'app', 'c1'));
  return join(folder, 'app', 'c1', names[0]!);
};

describe('the snapshot folder', () => {
  it('gives to the next process what this one kept', async () => {
    const view = { ...viewOf('d'), scope: 'zone' as const, zone: 'z' };
    const next = await kept(view);
    expect(next.servers).toEqual({ clusterId: 'c1', sessions: ['a:1'] });
    expect(next.view({ dataInfoId: 'd', scope: 'zone', zone: 'z' })).toEqual(view);
    expect(next.view({ dataInfoId: 'd', zone: 'z' })).toBeUndefined();
    expect(next.view({ dataInfoId: 'e' })).toBeUndefined();
    expect(problems).toEqual([]);
  });

  it('gives nothing, and complains of nothing, where nothing was kept', () => {
    const snapshot = opened();
    expect(snapshot.servers).toBeUndefined();
    expect(snapshot.view({ dataInfoId: 'd' })).toBeUndefined();
    expect(problems).toEqual([]);
  });

  it('ignores what is damaged, says so, and replaces it', async () => {
    const view = viewOf('d');
    const next = await kept(view);
    const path = await fileOf();
    const bytes = await readFile(path);
    for (const damaged of [bytes.subarray(0, bytes.length - 1), Buffer.alloc(0), Buffer.from('{}'), flipped(bytes)]) {
      await writeFile(path, damaged);
      expect(next.view(view)).toBeUndefined();
      expect(problems.splice(0)).toMatchObject([{ type: 'damaged', path }]);
    }
    await next.keep([view]);
    expect(next.view(view)).toEqual(view);
  });

  it('ignores what another version wrote, and what is no view', async () => {
    const view = viewOf('d');
    const next = await kept(view);
    const path = await fileOf();
    await writeFile(path, (await readFile(path)).toString('latin1').replace('snapshot.1', 'snapshot.2'), 'latin1');
    expect(next.view(view)).toBeUndefined();
    await writeFile(path, encodeRecord({ ...view, publishers: [1] }));
    expect(next.view(view)).toBeUndefined();
    expect(problems.map(({ type }) => type)).toEqual(['damaged', 'damaged']);
  });

  it('has one folder for each client name, and keeps one cluster', async () => {
    await kept(viewOf('d'));
    const other = opened({ name: '../..', token: 't2' });
    expect(other.servers).toBeUndefined();
    await other.keepServers({ clusterId: 'c2', sessions: [] });
    await other.keep([viewOf('d', 1, 'c2')]);
    await other.keepServers({ clusterId: 'c3', sessions: [] });
    expect((await readdir(folder)).toSorted()).toEqual([fileNameOf('../..'), 'app'].toSorted());
    expect((await readdir(join(folder, fileNameOf('../..')))).toSorted()).toEqual(['lock', 'servers']);
  });

  it('removes nothing that it has not written, wherever it is told to be', async () => {
    const own = join(folder, 'app', 'photos');
    await mkdir(own, { recursive: true });
    for (const name of ['holiday.jpg', 'list.next']) await writeFile(join(own, name), 'not ours');
    const next = await kept(viewOf('d'));
    await writeFile(join(folder, 'app', 'c1', 'notes.txt'), 'not ours');
    await next.keep([viewOf('e')]);
    await next.keepServers({ clusterId: 'c2', sessions: [] });
    await next.close();
    expect(await readdir(own)).toEqual(['holiday.jpg', 'list.next']);
    expect(await readdir(join(folder, 'app', 'c1'))).toEqual(['notes.txt']);
    expect(problems).toEqual([]);
  });

  it('is bounded: what was not written for longest goes first, and what is too large is not kept', async () => {
    const snapshot = opened({ maxBytes: 10_000 });
    await snapshot.keepServers({ clusterId: 'c1', sessions: [] });
    for (const name of ['a', 'b', 'c']) await snapshot.keep([viewOf(name, 3_000)]);
    await snapshot.keep([viewOf('a', 3_000), viewOf('d', 3_000)]);
    await snapshot.close();
    const next = opened({ maxBytes: 10_000 });
    const names = (): string[] => ['a', 'b', 'c', 'd', 'e'].filter((name) => next.view({ dataInfoId: name }));
    expect(names()).toEqual(['a', 'c', 'd']);
    await next.keep([viewOf('a', 20_000), viewOf('e', 3_000)]);
    expect(names()).toEqual(['c', 'd', 'e']);
    expect(problems).toMatchObject([{ type: 'full' }]);
  });

  it('finishes what a process that was killed had begun to write by removing it', async () => {
    const next = await kept(viewOf('d'));
    const path = `${await fileOf()}.next`;
    await writeFile(path, 'half');
    await next.keep([viewOf('e')]);
    expect((await readdir(join(folder, 'app', 'c1'))).filter((name) => name.endsWith('.next'))).toEqual([]);
  });

  it('fails without harm where nothing can be written', async () => {
    await writeFile(join(folder, 'app'), 'a file');
    const snapshot = opened();
    await snapshot.keep([viewOf('d')]);
    await snapshot.keep([viewOf('d')]);
    expect(problems.filter(({ type }) => type === 'failed').length).toBeGreaterThanOrEqual(1);
    await snapshot.close();
  });
});

describe('two processes with one folder', () => {
  it('only the first writes, until it closes', async () => {
    const [first, second] = [opened({ token: 't1' }), opened({ token: 't2' })];
    await first.keepServers({ clusterId: 'c1', sessions: ['first:1'] });
    await second.keepServers({ clusterId: 'c2', sessions: [] });
    await second.keep([viewOf('d', 1, 'c2')]);
    expect(problems).toMatchObject([{ type: 'locked' }]);
    await first.keep([viewOf('d')]);
    expect(opened({ token: 't3' }).servers?.sessions).toEqual(['first:1']);
    await first.close();
    await second.keepServers({ clusterId: 'c1', sessions: ['second:1'] });
    expect(opened({ token: 't3' }).servers?.sessions).toEqual(['second:1']);
  });

  it.each([
    ['whose process is gone', { pid: 2 ** 22 + 1, host: hostname(), token: 'x' }, 0],
    ['that has not written for long, wherever it is', { pid: 1, host: 'elsewhere', token: 'x' }, 60_000],
  ])('another takes over from one %s', async (_what, holder, agoMs) => {
    await mkdir(join(folder, 'app'), { recursive: true });
    const path = join(folder, 'app', 'lock');
    await writeFile(path, JSON.stringify(holder));
    const then = (Date.now() - agoMs) / 1_000;
    await utimes(path, then, then);
    const all = [1, 2, 3, 4].map((n) => opened({ token: `t${n}` }));
    await Promise.all(all.map((each, n) => each.keepServers({ clusterId: 'c1', sessions: [`s${n}:1`] })));
    expect(problems).toHaveLength(3);
    expect(opened().servers?.clusterId).toBe('c1');
  });

  it('nobody takes it from one that lives', async () => {
    await mkdir(join(folder, 'app'), { recursive: true });
    await writeFile(join(folder, 'app', 'lock'), JSON.stringify({ pid: 1, host: 'elsewhere', token: 'x' }));
    await opened().keep([viewOf('d')]);
    expect(problems).toMatchObject([{ type: 'locked' }]);
  });
});

it('a record is read as it was written, and never otherwise', () => {
  const field = fc.oneof(fc.string(), fc.integer(), fc.array(fc.string()));
  const value = fc.dictionary(fc.string(), field, { noNullPrototype: true });
  fc.assert(
    fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, at, change) => {
      const bytes = Buffer.from(encodeRecord(written));
      bytes[at % bytes.length]! ^= change;
      expect(decodeRecord(bytes)).toBeUndefined();
    }),
  );
});

it('names of files are safe, and those of different names differ', () => {
  const names = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 200 }), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(names, (given) => {
      const files = given.map((name) => fileNameOf(name));
      for (const file of files) expect(file).toMatch(/^[\w\-!~'().%]{1,80}$/);
      for (const file of files) expect(['.', '..']).not.toContain(file);
      expect(new Set(files).size).toBe(new Set(given.map((name) => Buffer.from(name).toString())).size);
    }),
  );
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 2]! ^= 1;
  return copy;
}
