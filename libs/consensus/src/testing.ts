import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogEntry, LogStore } from './contract.js';

/** How the suite gets at an implementation. A medium is what outlives a store: a folder, a simulated disk. */
export interface LogStoreFixture<Medium> {
  createMedium(): Promise<Medium> | Medium;
  /** A store on the medium, not opened yet. */
  createStore(medium: Medium): LogStore;
  disposeMedium?(medium: Medium): Promise<void>;
  /** Ends the store as kill -9 or a power cut would, in the middle of whatever it does. */
  crash?(medium: Medium, store: LogStore): Promise<void> | void;
  /** The nth write to the medium from now on fails; with Infinity, none. */
  failWrite?(medium: Medium, store: LogStore, nth: number): void;
  /** Faults of a medium at rest, while no store has it open. */
  flipBitInEntry?(medium: Medium, index: number): Promise<void> | void;
  flipBitInSnapshot?(medium: Medium, snapshotIndex: number): Promise<void> | void;
  loseEntry?(medium: Medium, index: number): Promise<void> | void;
}

function payload(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function entry(index: number, term = 1, text = `command ${index}`): LogEntry {
  return { index, term, payload: payload(text) };
}

function entries(from: number, to: number, term = 1): LogEntry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term));
}

const append = (store: LogStore, added: LogEntry[], truncateFrom?: number): Promise<void> =>
  store.write({ truncateFrom, entries: added });
const vote = (store: LogStore, term: number, votedFor: string | null): Promise<void> =>
  store.write({ hardState: { term, vote: votedFor } });

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const readable = (log: LogEntry[]): string[] => log.map((e) => `${e.index}@${e.term} ${text(e.payload)}`);

/** The suite that every {@link LogStore} passes. Defines jest tests. */
export function logStoreContract<Medium>(name: string, fixture: LogStoreFixture<Medium>): void {
  describe(`${name} keeps the contract of a log store`, () => {
    let medium: Medium;
    let store: LogStore;

    beforeEach(async () => {
      medium = await fixture.createMedium();
      store = fixture.createStore(medium);
    });

    afterEach(async () => {
      await store.close().catch(() => {});
      await fixture.disposeMedium?.(medium);
    });

    const reopen = async (): ReturnType<LogStore['open']> => {
      await store.close();
      store = fixture.createStore(medium);
      return store.open();
    };

    /** Runs only where the fixture can cause the fault. */
    const itGiven = (hook: unknown): typeof it | typeof it.skip => (hook ? it : it.skip);

    it('begins empty', async () => {
      expect(await store.open()).toEqual({ term: 0, vote: null, snapshot: null, entries: [] });
    });

    it('holds what was appended after it is opened again', async () => {
      await store.open();
      await append(store, [entry(1), entry(2, 1, '')]);
      await append(store, [entry(3, 2, 'größer')]);
      const found = await reopen();
      expect(readable(found.entries)).toEqual(['1@1 command 1', '2@1 ', '3@2 größer']);
    });

    it('goes on where it ended', async () => {
      await store.open();
      await append(store, entries(1, 3));
      await reopen();
      await append(store, entries(4, 5, 2));
      expect((await reopen()).entries.map(({ index, term }) => [index, term])).toEqual([
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 2],
        [5, 2],
      ]);
    });

    it('keeps the order of writes that nobody waited for', async () => {
      await store.open();
      await Promise.all([append(store, entries(1, 2)), append(store, entries(3, 3)), append(store, entries(4, 9))]);
      expect((await reopen()).entries).toEqual(entries(1, 9));
    });

    it('replaces a tail in one step', async () => {
      await store.open();
      await append(store, entries(1, 5));
      await append(store, [entry(4, 2, 'another'), entry(5, 2, 'history')], 4);
      await append(store, entries(6, 6, 2));
      const found = await reopen();
      expect(readable(found.entries).slice(3)).toEqual(['4@2 another', '5@2 history', '6@2 command 6']);
    });

    it('truncates without appending, down to nothing', async () => {
      await store.open();
      await append(store, entries(1, 5));
      await append(store, [], 4);
      expect((await reopen()).entries).toEqual(entries(1, 3));
      await append(store, [], 1);
      expect((await reopen()).entries).toEqual([]);
      await append(store, entries(1, 1, 7));
      expect((await reopen()).entries).toEqual(entries(1, 1, 7));
    });

    it('refuses entries that leave a gap or overlap, and holds what it held', async () => {
      await store.open();
      await append(store, entries(1, 3));
      await expect(append(store, entries(5, 5))).rejects.toMatchObject({ code: 'INTERNAL' });
      await expect(append(store, entries(3, 4))).rejects.toMatchObject({ code: 'INTERNAL' });
      await expect(append(store, [entry(4), entry(6)])).rejects.toMatchObject({ code: 'INTERNAL' });
      await expect(append(store, entries(5, 5), 5)).rejects.toMatchObject({ code: 'INTERNAL' });
      await append(store, entries(4, 4));
      expect((await reopen()).entries).toEqual(entries(1, 4));
    });

    it('remembers the last vote', async () => {
      await store.open();
      await vote(store, 3, 'n1');
      await append(store, entries(1, 1, 3));
      await vote(store, 4, null);
      expect(await reopen()).toMatchObject({ term: 4, vote: null, entries: entries(1, 1, 3) });
      await vote(store, 4, 'n2');
      expect(await reopen()).toMatchObject({ term: 4, vote: 'n2' });
    });

    it('keeps term, vote and a replaced tail together, in the order of writes', async () => {
      await store.open();
      await append(store, entries(1, 3));
      await Promise.all([
        store.write({ hardState: { term: 5, vote: 'n1' }, truncateFrom: 3, entries: entries(3, 4, 5) }),
        store.write({ hardState: { term: 6, vote: null }, entries: [entry(5, 6)] }),
        store.write({}),
      ]);
      expect(await reopen()).toMatchObject({
        term: 6,
        vote: null,
        entries: [...entries(1, 2), ...entries(3, 4, 5), entry(5, 6)],
      });
      // What is refused leaves no part of itself behind.
      await expect(store.write({ hardState: { term: 7, vote: 'n2' }, entries: [entry(9, 7)] })).rejects.toMatchObject({
        code: 'INTERNAL',
      });
      expect(await reopen()).toMatchObject({ term: 6, vote: null });
    });

    it('drops what a snapshot covers, and keeps what follows it', async () => {
      await store.open();
      await append(store, entries(1, 10));
      await store.saveSnapshot({ index: 7, term: 1, payload: payload('state at 7') });
      await append(store, entries(11, 11));
      const found = await reopen();
      expect(found.snapshot).toEqual({ index: 7, term: 1, payload: payload('state at 7') });
      expect(found.entries).toEqual(entries(8, 11));
      await append(store, entries(12, 12));
      await expect(append(store, [], 7)).rejects.toMatchObject({ code: 'INTERNAL' });
      expect((await reopen()).entries).toEqual(entries(8, 12));
    });

    it('replaces one snapshot by the next, large or empty', async () => {
      await store.open();
      await append(store, entries(1, 10));
      const large = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 31) ^ (i >> 8));
      await store.saveSnapshot({ index: 5, term: 1, payload: large });
      expect(Buffer.compare((await reopen()).snapshot!.payload, large)).toBe(0);
      await store.saveSnapshot({ index: 10, term: 1, payload: new Uint8Array() });
      await expect(store.saveSnapshot({ index: 10, term: 1, payload: large })).rejects.toMatchObject({
        code: 'INTERNAL',
      });
      const found = await reopen();
      expect(found).toMatchObject({ snapshot: { index: 10, payload: new Uint8Array() }, entries: [] });
    });

    it('takes a snapshot from elsewhere, ahead of its log or against it', async () => {
      await store.open();
      await append(store, entries(1, 4));
      await store.saveSnapshot({ index: 20, term: 3, payload: payload('ahead') });
      await append(store, entries(21, 25, 3));
      const ahead = await reopen();
      expect([ahead.snapshot?.index, ahead.entries]).toEqual([20, entries(21, 25, 3)]);
      // The log has entry 23 of term 3: what follows it is not the history that the snapshot belongs to.
      await store.saveSnapshot({ index: 23, term: 4, payload: payload('against') });
      const against = await reopen();
      expect([against.snapshot?.index, against.entries]).toEqual([23, []]);
      await append(store, entries(24, 24, 4));
      expect((await reopen()).entries).toEqual(entries(24, 24, 4));
    });

    it('does not write once closed, and closes twice', async () => {
      await store.open();
      await append(store, entries(1, 1));
      await store.close();
      await store.close();
      await expect(append(store, entries(2, 2))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
      await expect(vote(store, 1, null)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
      await expect(store.saveSnapshot({ index: 1, term: 1, payload: payload('') })).rejects.toMatchObject({
        code: 'SHUTTING_DOWN',
      });
      expect((await reopen()).entries).toEqual(entries(1, 1));
    });

    it('finishes what was asked for before it closes', async () => {
      await store.open();
      const appended = append(store, entries(1, 3));
      await store.close();
      await appended;
      expect((await reopen()).entries).toEqual(entries(1, 3));
    });

    it('serves one at a time', async () => {
      await store.open();
      const second = fixture.createStore(medium);
      await expect(second.open()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
      await second.close();
      await append(store, entries(1, 1));
      expect((await reopen()).entries).toEqual(entries(1, 1));
    });

    itGiven(fixture.crash)('holds after a crash whatever it had acknowledged', async () => {
      await store.open();
      await vote(store, 2, 'n1');
      await append(store, entries(1, 10));
      await store.saveSnapshot({ index: 4, term: 1, payload: payload('state at 4') });
      await append(store, [entry(9, 2, 'new')], 9);
      await fixture.crash!(medium, store);
      store = fixture.createStore(medium);
      expect(await store.open()).toEqual({
        term: 2,
        vote: 'n1',
        snapshot: { index: 4, term: 1, payload: payload('state at 4') },
        entries: [...entries(5, 8), entry(9, 2, 'new')],
      });
    });

    itGiven(fixture.failWrite)('acknowledges nothing after a write has failed', async () => {
      await store.open();
      await append(store, entries(1, 2));
      fixture.failWrite!(medium, store, 1);
      const attempts = [append(store, entries(3, 3)), append(store, entries(4, 4)), vote(store, 9, 'n9')];
      for (const attempt of await Promise.allSettled(attempts))
        expect(attempt).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
      await expect(append(store, entries(3, 3))).rejects.toMatchObject({ code: 'STORE_FAILED' });
      expect(await reopen()).toMatchObject({ term: 0, entries: entries(1, 2) });
    });

    itGiven(fixture.failWrite)('has the old snapshot or the new one, wherever saving it is cut off', async () => {
      const before = { index: 3, term: 1, payload: payload('state at 3') };
      const after = { index: 8, term: 1, payload: new Uint8Array(600_000).fill(7) };
      const outcomes = new Set<number>();
      for (let nth = 1, failed = true; failed; nth++) {
        const place = await fixture.createMedium();
        let cut = fixture.createStore(place);
        await cut.open();
        await append(cut, entries(1, 10));
        await cut.saveSnapshot(before);
        fixture.failWrite!(place, cut, nth);
        failed = await cut.saveSnapshot(after).then(
          () => false,
          () => true,
        );
        fixture.failWrite!(place, cut, Infinity);
        await cut.close();
        cut = fixture.createStore(place);
        const found = await cut.open();
        const { index, payload: state } = found.snapshot!;
        outcomes.add(index);
        expect(Buffer.compare(state, (index === 8 ? after : before).payload)).toBe(0);
        expect(found.entries).toEqual(entries(index + 1, 10));
        await append(cut, entries(11, 11));
        await cut.close();
        await fixture.disposeMedium?.(place);
        if (nth > 50) throw new Error('The write that was to fail never came.');
      }
      expect(outcomes).toEqual(new Set([3, 8]));
    });

    const reopenDamaged = async (): Promise<string> => {
      const failure = await reopen().then(
        () => undefined,
        (error: unknown) => error as { code?: string; message: string },
      );
      expect(failure?.code).toBe('STORE_CORRUPT');
      return failure!.message;
    };

    itGiven(fixture.flipBitInEntry)(
      'names the first entry in which a bit has flipped, and does not start',
      async () => {
        await store.open();
        await append(store, entries(1, 5));
        await store.close();
        await fixture.flipBitInEntry!(medium, 3);
        expect(await reopenDamaged()).toMatch(/entry 3 fails its checksum.*backup/);
        // Refusing must not lock the folder.
        expect(await reopenDamaged()).toContain('entry 3');
      },
    );

    itGiven(fixture.flipBitInSnapshot)('does not start from a snapshot in which a bit has flipped', async () => {
      await store.open();
      await append(store, entries(1, 5));
      await store.saveSnapshot({ index: 5, term: 1, payload: payload('state at 5') });
      await store.close();
      await fixture.flipBitInSnapshot!(medium, 5);
      expect(await reopenDamaged()).toContain('the snapshot at 5');
    });

    itGiven(fixture.loseEntry)('notices an entry that is missing, in the middle and at the end', async () => {
      await store.open();
      await append(store, entries(1, 5));
      await store.close();
      await fixture.loseEntry!(medium, 5);
      expect(await reopenDamaged()).toContain('entry 5 is missing');
      await fixture.loseEntry!(medium, 2);
      expect(await reopenDamaged()).toContain('entry 2 is missing');
    });
  });
}
