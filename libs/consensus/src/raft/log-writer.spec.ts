import * as fc from 'fast-check';
import { MemoryDisk, MemoryLogStore } from '../memory-log-store.js';
import type { Entry } from './contract.js';
import { fromLogEntry } from './formats.js';
import { LogWriter, type Persist, deviceOf, join } from './log-writer.js';

const entry = (index: number, term: number): Entry => ({ kind: 'noop', index, term });

/** What a log holds after a write. */
function apply(log: Entry[], { truncateFrom, entries = [] }: Persist): Entry[] {
  const kept = truncateFrom === undefined ? log : log.filter(({ index }) => index < truncateFrom);
  for (const [i, { index }] of entries.entries()) expect(index).toBe(kept.length + 1 + i);
  return [...kept, ...entries];
}

/** Writes that fit a log of `length` entries, as a follower of quarrelling leaders would make them. */
function writes(length: number, steps: { truncate: number; append: number; votes: boolean }[]): Persist[] {
  let last = length;
  return steps.map(({ truncate, append, votes }, i) => {
    const token = i + 1;
    const persist: Persist = { token };
    if (votes) persist.hardState = { term: token, vote: 'a' };
    if (truncate > 0 && last > 0) {
      persist.truncateFrom = Math.max(1, last - truncate + 1);
      last = persist.truncateFrom - 1;
    }
    if (append > 0) persist.entries = Array.from({ length: append }, (_, n) => entry(last + 1 + n, token + 1));
    last += append;
    return persist;
  });
}

const steps = fc.array(fc.record({ truncate: fc.nat({ max: 6 }), append: fc.nat({ max: 4 }), votes: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
});

it('joins writes into one that leaves the log as all of them would', () => {
  fc.assert(
    fc.property(fc.nat({ max: 8 }), steps, (length, script) => {
      const before = Array.from({ length }, (_, i) => entry(i + 1, 1));
      const persists = writes(length, script);
      const joined = join(persists);
      expect(apply(before, joined)).toEqual(persists.reduce(apply, before));
      expect(joined.token).toBe(persists.length);
      expect(joined.hardState).toEqual(persists.findLast(({ hardState }) => hardState)?.hardState);
    }),
  );
});

describe('the writer of a log', () => {
  let disk: MemoryDisk;
  let store: MemoryLogStore;
  let writer: LogWriter;
  let told: (number | string)[];

  beforeEach(async () => {
    disk = new MemoryDisk();
    store = new MemoryLogStore(disk);
    await store.open();
    told = [];
    writer = new LogWriter(
      deviceOf(store),
      100,
      (token) => told.push(token),
      (error) => told.push((error as { code: string }).code),
    );
  });

  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) await null;
  };

  const command = (index: number, bytes: number): Entry => ({
    kind: 'command',
    index,
    term: 1,
    payload: new Uint8Array(bytes),
  });

  it('has one write in flight, and joins what comes meanwhile', async () => {
    const resume = disk.pause();
    writer.persist({ token: 1, entries: [entry(1, 1)] });
    await turns();
    for (let token = 2; token <= 5; token++) writer.persist({ token, entries: [entry(token, 1)] });
    await turns();
    expect(told).toEqual([]);
    resume();
    await turns();
    expect(told).toEqual([1, 5]);
  });

  it('ends a joined write with the one that exceeds its bound', async () => {
    for (let token = 1; token <= 5; token++) writer.persist({ token, entries: [command(token, 60)] });
    await turns();
    expect(told).toEqual([2, 4, 5]);
  });

  it('keeps snapshots in their place among the writes', async () => {
    writer.persist({ token: 1, entries: [entry(1, 1), entry(2, 1)] });
    writer.save({ index: 2, term: 1, payload: new Uint8Array(3) }, () => told.push('saved'));
    writer.persist({ token: 2, entries: [entry(3, 1)] });
    await turns();
    await turns();
    expect(told).toEqual([1, 'saved', 2]);
    await store.close();
    const found = await new MemoryLogStore(disk).open();
    expect(found.entries.map(fromLogEntry)).toEqual([entry(3, 1)]);
  });

  it('tells of the first failure and of nothing after it', async () => {
    disk.failWrite(1);
    writer.persist({ token: 1, entries: [entry(1, 1)] });
    writer.save({ index: 1, term: 1, payload: new Uint8Array() }, () => told.push('saved'));
    writer.persist({ token: 2, entries: [entry(2, 1)] });
    await turns();
    writer.persist({ token: 3, entries: [entry(3, 1)] });
    await turns();
    expect(told).toEqual(['STORE_FAILED']);
  });

  it('tells nothing once stopped, and has stopped when its write is over', async () => {
    const resume = disk.pause();
    writer.persist({ token: 1, entries: [entry(1, 1)] });
    await turns();
    let stopped = false;
    writer.stop(() => (stopped = true));
    await turns();
    expect(stopped).toBe(false);
    resume();
    await turns();
    expect(stopped).toBe(true);
    expect(told).toEqual([]);
  });
});
