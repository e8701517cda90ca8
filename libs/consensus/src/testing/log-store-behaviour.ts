import { expect, it } from '@jest/globals';
import { type Trial, entries, entry, payload, readable } from './log-store-trial.js';

/** What a log store does while nothing is wrong. */
export function logStoreBehaviour<Medium>(trial: Trial<Medium>): void {
  it('begins empty', async () => {
    expect(await trial.store.open()).toEqual({ term: 0, vote: null, snapshot: null, entries: [] });
  });

  it('holds what was appended after it is opened again', async () => {
    await trial.store.open();
    await trial.append([entry(1), entry(2, 1, '')]);
    await trial.append([entry(3, 2, 'größer')]);
    const found = await trial.reopen();
    expect(readable(found.entries)).toEqual(['1@1 command 1', '2@1 ', '3@2 größer']);
  });

  it('goes on where it ended', async () => {
    await trial.store.open();
    await trial.append(entries(1, 3));
    await trial.reopen();
    await trial.append(entries(4, 5, 2));
    expect((await trial.reopen()).entries.map(({ index, term }) => [index, term])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2],
      [5, 2],
    ]);
  });

  it('keeps the order of writes that nobody waited for', async () => {
    await trial.store.open();
    await Promise.all([trial.append(entries(1, 2)), trial.append(entries(3, 3)), trial.append(entries(4, 9))]);
    expect((await trial.reopen()).entries).toEqual(entries(1, 9));
  });

  it('replaces a tail in one step', async () => {
    await trial.store.open();
    await trial.append(entries(1, 5));
    await trial.append([entry(4, 2, 'another'), entry(5, 2, 'history')], 4);
    await trial.append(entries(6, 6, 2));
    const found = await trial.reopen();
    expect(readable(found.entries).slice(3)).toEqual(['4@2 another', '5@2 history', '6@2 command 6']);
  });

  it('truncates without appending, down to nothing', async () => {
    await trial.store.open();
    await trial.append(entries(1, 5));
    await trial.append([], 4);
    expect((await trial.reopen()).entries).toEqual(entries(1, 3));
    await trial.append([], 1);
    expect((await trial.reopen()).entries).toEqual([]);
    await trial.append(entries(1, 1, 7));
    expect((await trial.reopen()).entries).toEqual(entries(1, 1, 7));
  });

  it('refuses entries that leave a gap or overlap, and holds what it held', async () => {
    await trial.store.open();
    await trial.append(entries(1, 3));
    await expect(trial.append(entries(5, 5))).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(trial.append(entries(3, 4))).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(trial.append([entry(4), entry(6)])).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(trial.append(entries(5, 5), 5)).rejects.toMatchObject({ code: 'INTERNAL' });
    await trial.append(entries(4, 4));
    expect((await trial.reopen()).entries).toEqual(entries(1, 4));
  });

  it('remembers the last vote', async () => {
    await trial.store.open();
    await trial.vote(3, 'n1');
    await trial.append(entries(1, 1, 3));
    await trial.vote(4, null);
    expect(await trial.reopen()).toMatchObject({ term: 4, vote: null, entries: entries(1, 1, 3) });
    await trial.vote(4, 'n2');
    expect(await trial.reopen()).toMatchObject({ term: 4, vote: 'n2' });
  });

  it('keeps term, vote and a replaced tail together, in the order of writes', async () => {
    await trial.store.open();
    await trial.append(entries(1, 3));
    await Promise.all([
      trial.store.write({ hardState: { term: 5, vote: 'n1' }, truncateFrom: 3, entries: entries(3, 4, 5) }),
      trial.store.write({ hardState: { term: 6, vote: null }, entries: [entry(5, 6)] }),
      trial.store.write({}),
    ]);
    expect(await trial.reopen()).toMatchObject({
      term: 6,
      vote: null,
      entries: [...entries(1, 2), ...entries(3, 4, 5), entry(5, 6)],
    });
    // What is refused leaves no part of itself behind.
    await expect(
      trial.store.write({ hardState: { term: 7, vote: 'n2' }, entries: [entry(9, 7)] }),
    ).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    expect(await trial.reopen()).toMatchObject({ term: 6, vote: null });
  });

  it('drops what a snapshot covers, and keeps what follows it', async () => {
    await trial.store.open();
    await trial.append(entries(1, 10));
    await trial.store.saveSnapshot({ index: 7, term: 1, payload: payload('state at 7') });
    await trial.append(entries(11, 11));
    const found = await trial.reopen();
    expect(found.snapshot).toEqual({ index: 7, term: 1, payload: payload('state at 7') });
    expect(found.entries).toEqual(entries(8, 11));
    await trial.append(entries(12, 12));
    await expect(trial.append([], 7)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect((await trial.reopen()).entries).toEqual(entries(8, 12));
  });

  it('replaces one snapshot by the next, large or empty', async () => {
    await trial.store.open();
    await trial.append(entries(1, 10));
    const large = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 31) ^ (i >> 8));
    await trial.store.saveSnapshot({ index: 5, term: 1, payload: large });
    expect(Buffer.compare((await trial.reopen()).snapshot!.payload, large)).toBe(0);
    await trial.store.saveSnapshot({ index: 10, term: 1, payload: new Uint8Array() });
    await expect(trial.store.saveSnapshot({ index: 10, term: 1, payload: large })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    const found = await trial.reopen();
    expect(found).toMatchObject({ snapshot: { index: 10, payload: new Uint8Array() }, entries: [] });
  });

  it('takes a snapshot from elsewhere, ahead of its log or against it', async () => {
    await trial.store.open();
    await trial.append(entries(1, 4));
    await trial.store.saveSnapshot({ index: 20, term: 3, payload: payload('ahead') });
    await trial.append(entries(21, 25, 3));
    const ahead = await trial.reopen();
    expect([ahead.snapshot?.index, ahead.entries]).toEqual([20, entries(21, 25, 3)]);
    // The log has entry 23 of term 3: what follows it is not the history that the snapshot belongs to.
    await trial.store.saveSnapshot({ index: 23, term: 4, payload: payload('against') });
    const against = await trial.reopen();
    expect([against.snapshot?.index, against.entries]).toEqual([23, []]);
    await trial.append(entries(24, 24, 4));
    expect((await trial.reopen()).entries).toEqual(entries(24, 24, 4));
  });

  it('does not write once closed, and closes twice', async () => {
    await trial.store.open();
    await trial.append(entries(1, 1));
    await trial.store.close();
    await trial.store.close();
    await expect(trial.append(entries(2, 2))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await expect(trial.vote(1, null)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await expect(trial.store.saveSnapshot({ index: 1, term: 1, payload: payload('') })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
    expect((await trial.reopen()).entries).toEqual(entries(1, 1));
  });

  it('finishes what was asked for before it closes', async () => {
    await trial.store.open();
    const appended = trial.append(entries(1, 3));
    await trial.store.close();
    await appended;
    expect((await trial.reopen()).entries).toEqual(entries(1, 3));
  });

  it('serves one at a time', async () => {
    await trial.store.open();
    const second = trial.fixture.createStore(trial.medium);
    await expect(second.open()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await second.close();
    await trial.append(entries(1, 1));
    expect((await trial.reopen()).entries).toEqual(entries(1, 1));
  });
}
