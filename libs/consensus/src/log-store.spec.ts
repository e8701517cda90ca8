import { crc32 as zlibCrc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { crc32 } from './checksum.js';
import { MemoryDisk, MemoryLogStore } from './index.js';
import { KEYS } from './log-format.js';
import { logStoreContract } from './testing.js';

logStoreContract('MemoryLogStore', {
  createMedium: () => new MemoryDisk(),
  createStore: (disk) => new MemoryLogStore(disk),
  crash: (disk) => disk.loseUnsynced(),
  // This disk writes a batch whole.
  cutPower: async (disk, _store, write, share) => {
    disk.pause();
    const cutOff = write();
    for (let turn = 0; turn < 20; turn++) await null;
    disk.loseUnsynced(share === 1 ? 'everything' : 'nothing');
    await cutOff.catch(() => {});
  },
  failWrite: (disk, _store, nth, reached) => disk.failWrite(nth, reached),
  exhaust: (disk, _store, reason) =>
    disk.failWrite(3, 'nothing', reason === 'EIO' ? 'Input/output error' : 'No space left on device'),
  repair: (disk) => disk.failWrite(Infinity),
  flipBitInEntry: (disk, index) => disk.flipBit(KEYS.run(index)),
  flipBitInSnapshot: (disk, snapshotIndex) => disk.flipBit(KEYS.chunk(snapshotIndex, 0)),
  loseEntry: (disk, index) => disk.loseRecord(KEYS.run(index)),
});

const entry = (index: number): { index: number; term: number; payload: Uint8Array } => ({
  index,
  term: 1,
  payload: Uint8Array.of(index),
});

describe('a log on a disk with faults', () => {
  let disk: MemoryDisk;
  let store: MemoryLogStore;

  beforeEach(async () => {
    disk = new MemoryDisk();
    store = new MemoryLogStore(disk);
    await store.open();
  });

  it('may find after a power cut what it had not acknowledged, or not, but nothing in between', async () => {
    for (const kept of ['nothing', 'everything'] as const) {
      disk = new MemoryDisk();
      store = new MemoryLogStore(disk);
      await store.open();
      await store.write({ entries: [entry(1)] });
      disk.pause();
      const lost = store.write({ entries: [entry(2), entry(3)] });
      await Promise.resolve();
      disk.loseUnsynced(kept);
      const found = await new MemoryLogStore(disk).open();
      expect(found.entries.map(({ index }) => index)).toEqual(kept === 'nothing' ? [1] : [1, 2, 3]);
      lost.catch(() => {});
    }
  });

  it('notices that the medium lost its end together with the record of what that was', async () => {
    await store.write({ entries: [entry(1)] });
    const asOfOne = disk.copy();
    await store.write({ entries: [entry(2), entry(3)] });
    asOfOne.noteWitness((await disk.readWitness())!);
    await expect(new MemoryLogStore(asOfOne).open()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('entries 2 to 3 are missing'),
    });
  });

  it('notices that a vote was lost', async () => {
    await store.write({ hardState: { term: 3, vote: 'n1' } });
    const voted = disk.copy();
    await store.write({ hardState: { term: 4, vote: 'n2' } });
    voted.noteWitness((await disk.readWitness())!);
    await expect(new MemoryLogStore(voted).open()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('the vote of term 4 is missing'),
    });
  });

  it('notices any bit that has flipped in entries that were written together, and names the first of them it harms', async () => {
    const written = [1, 2, 3].map((index) => ({ index, term: 1, payload: new Uint8Array(20).fill(index) }));
    await store.write({ entries: written });
    await store.close();
    const whole = (await disk.get(KEYS.run(1)))!;
    const bytesEach = whole.length / 3;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = whole.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await disk.write([{ type: 'put', key: KEYS.run(1), value: flipped }]);
      const failure = await new MemoryLogStore(disk).open().catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'STORE_CORRUPT',
        message: expect.stringContaining(`entry ${1 + Math.floor((bit >> 3) / bytesEach)} fails its checksum`),
      });
    }
  });

  it('takes of each run what no later one has replaced', async () => {
    const log = (from: number, to: number, term: number): { index: number; term: number; payload: Uint8Array }[] =>
      Array.from({ length: to - from + 1 }, (_, i) => ({ ...entry(from + i), term }));
    await store.write({ entries: log(1, 10, 1) });
    await store.write({ truncateFrom: 6, entries: log(6, 7, 2) });
    await store.write({ entries: log(8, 12, 2) });
    await store.write({ truncateFrom: 7 });
    await store.write({ entries: log(7, 9, 3) });
    await store.saveSnapshot({ index: 3, term: 1, payload: Uint8Array.of(1) });
    const expected = [...log(4, 5, 1), ...log(6, 6, 2), ...log(7, 9, 3)];
    for (let time = 0; time < 2; time++) {
      await store.close();
      expect(disk.keys().filter((key) => key.startsWith('entries/'))).toEqual([1, 6, 7].map(KEYS.run));
      store = new MemoryLogStore(disk);
      expect((await store.open()).entries).toEqual(expected);
    }
    // Lost, it leaves behind entries that were once there, and another history.
    await store.close();
    disk.loseRecord(KEYS.run(6));
    await expect(new MemoryLogStore(disk).open()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('does not take a log of an earlier version for a damaged one', async () => {
    await store.write({ entries: [entry(1)] });
    await store.close();
    await disk.write([
      { type: 'put', key: KEYS.former(1), value: Uint8Array.of(1) },
      { type: 'del', key: KEYS.run(1) },
    ]);
    await expect(new MemoryLogStore(disk).open()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('earlier version'),
    });
  });

  it('notices a good entry that is not of this history', async () => {
    const other = new MemoryDisk();
    const another = new MemoryLogStore(other);
    await another.open();
    for (const [log, term] of [
      [store, 1],
      [another, 2],
    ] as const)
      for (const each of [
        { ...entry(1), term },
        { ...entry(2), term: 3 },
        { ...entry(3), term: 3 },
      ])
        await log.write({ entries: [each] });
    await store.close();
    // At the same index and of the same term; but what comes before it is another.
    await disk.write([{ type: 'put', key: KEYS.run(2), value: (await other.get(KEYS.run(2)))! }]);
    await expect(new MemoryLogStore(disk).open()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('entry 2 fails its checksum'),
    });
  });

  it('keeps what it needs and nothing else', async () => {
    await store.write({ entries: [entry(1), entry(2), entry(3)] });
    await store.saveSnapshot({ index: 1, term: 1, payload: new Uint8Array(600_000) });
    await store.saveSnapshot({ index: 2, term: 1, payload: Uint8Array.of(1) });
    await store.close();
    expect(disk.keys()).toEqual([KEYS.chunk(2, 0), KEYS.run(1), KEYS.head, KEYS.snapshot]);
  });

  it('leaves nothing behind when a snapshot was cut off', async () => {
    await store.write({ entries: [entry(1), entry(2)] });
    disk.failWrite(2);
    await expect(store.saveSnapshot({ index: 2, term: 1, payload: new Uint8Array(600_000) })).rejects.toMatchObject({
      code: 'STORE_FAILED',
    });
    expect(disk.keys().some((key) => key.startsWith('chunk/'))).toBe(true);
    await store.close();
    store = new MemoryLogStore(disk);
    await store.open();
    expect(disk.keys()).toEqual([KEYS.run(1), KEYS.head]);
  });

  it.each(['head', 'snapshot', 'vote'] as const)('notices a flipped bit in the record "%s"', async (key) => {
    await store.write({ hardState: { term: 2, vote: 'n1' } });
    await store.write({ entries: [entry(1), entry(2)] });
    await store.saveSnapshot({ index: 1, term: 1, payload: Uint8Array.of(1) });
    await store.close();
    disk.flipBit(KEYS[key]);
    await expect(new MemoryLogStore(disk).open()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(`"${key}"`),
    });
  });
});

it('computes CRC-32 as zlib does, at once or piece by piece', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 300 }), (bytes, cut) => {
      expect(crc32(bytes)).toBe(zlibCrc32(bytes));
      expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
    }),
  );
});
