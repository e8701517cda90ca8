import { describe, expect, it } from '@jest/globals';
import type { LogStore } from '../contract.js';
import { type Trial, entries, entry, payload } from './log-store-trial.js';

type Found = Awaited<ReturnType<LogStore['open']>>;
type Step = [name: string, run: (store: LogStore) => Promise<void>];

const LARGE = new Uint8Array(600_000).fill(7);

/** Every kind of write, one after the other on one log. */
const STEPS: Step[] = [
  ['a vote', (store) => store.write({ hardState: { term: 1, vote: 'n1' } })],
  ['entries', (store) => store.write({ entries: entries(1, 10) })],
  ['a snapshot in several parts', (store) => store.saveSnapshot({ index: 3, term: 1, payload: LARGE })],
  [
    'term, vote and another tail',
    (store) => store.write({ hardState: { term: 2, vote: null }, truncateFrom: 8, entries: entries(8, 12, 2) }),
  ],
  ['a tail cut off', (store) => store.write({ truncateFrom: 11 })],
  ['the next snapshot', (store) => store.saveSnapshot({ index: 8, term: 2, payload: payload('state at 8') })],
  ['a snapshot of another history', (store) => store.saveSnapshot({ index: 9, term: 3, payload: payload('at 9') })],
  ['entries after it', (store) => store.write({ entries: entries(10, 11, 3) })],
];
const MOST_WRITES = 60;

/** What a log store does when its medium fails, or the process does. */
export function logStoreFaults<Medium>(trial: Trial<Medium>): void {
  const { fixture } = trial;

  describe('in a crash', () => {
    it('holds whatever it had acknowledged', async () => {
      await trial.store.open();
      await trial.vote(2, 'n1');
      await trial.append(entries(1, 10));
      await trial.store.saveSnapshot({ index: 4, term: 1, payload: payload('state at 4') });
      await trial.append([entry(9, 2, 'new')], 9);
      await fixture.crash(trial.medium, trial.store);
      expect(await trial.openAnew()).toEqual({
        term: 2,
        vote: 'n1',
        snapshot: { index: 4, term: 1, payload: payload('state at 4') },
        entries: [...entries(5, 8), entry(9, 2, 'new')],
      });
    });

    it.each([0, 0.001, 0.3, 0.7, 0.999, 1])(
      'in the middle of a write, with %d of it on the medium, has all of that write or nothing, and goes on',
      async (share) => {
        await trial.store.open();
        await trial.store.write({ hardState: { term: 1, vote: 'n1' }, entries: entries(1, 5) });
        // Longer than the blocks in which a medium may write.
        const tail = [4, 5, 6].map((index) => ({ index, term: 2, payload: LARGE.subarray(0, 50_000) }));
        const { store } = trial;
        const write = (): Promise<void> =>
          store.write({ hardState: { term: 2, vote: 'n2' }, truncateFrom: 4, entries: tail });
        await fixture.cutPower(trial.medium, store, write, share);
        const found = await trial.openAnew();
        const before = { term: 1, vote: 'n1', entries: [1, 1, 1, 1, 1] };
        const after = { term: 2, vote: 'n2', entries: [1, 1, 1, 2, 2, 2] };
        const terms = { ...found, entries: found.entries.map(({ term }) => term) };
        const expected = share === 0 ? [before] : share === 1 ? [after] : [before, after];
        expect(expected).toContainEqual({ term: terms.term, vote: terms.vote, entries: terms.entries });
        const last = found.entries.length;
        await trial.append(entries(last + 1, last + 2, 2));
        expect((await trial.reopen()).entries).toEqual([...found.entries, ...entries(last + 1, last + 2, 2)]);
      },
    );
  });

  describe('when a write fails', () => {
    it('acknowledges nothing any more', async () => {
      await trial.store.open();
      await trial.append(entries(1, 2));
      fixture.failWrite(trial.medium, trial.store, 1, 'nothing');
      const attempts = [trial.append(entries(3, 3)), trial.append(entries(4, 4)), trial.vote(9, 'n9')];
      for (const attempt of await Promise.allSettled(attempts))
        expect(attempt).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
      fixture.failWrite(trial.medium, trial.store, Infinity, 'nothing');
      const later = [
        trial.append(entries(3, 3)),
        trial.vote(9, 'n9'),
        trial.store.saveSnapshot({ index: 2, term: 1, payload: payload('') }),
      ];
      for (const attempt of await Promise.allSettled(later))
        expect(attempt).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
      expect(await trial.reopen()).toMatchObject({ term: 0, entries: entries(1, 2) });
    });

    it.each(['ENOSPC', 'EIO'] as const)('says why (%s), and holds what it had acknowledged', async (reason) => {
      await trial.store.open();
      await trial.append(entries(1, 2));
      await fixture.exhaust(trial.medium, trial.store, reason);
      const acknowledged: number[] = [1, 2];
      const fill = async (): Promise<void> => {
        for (let index = 3; index <= 100; index++) {
          await trial.append([{ index, term: 1, payload: LARGE.subarray(0, 300_000) }]);
          acknowledged.push(index);
        }
      };
      const failure = await fill().catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringContaining(reason === 'EIO' ? 'Input/output error' : 'No space left on device'),
      });
      await expect(trial.vote(2, 'n1')).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await trial.store.close();
      await fixture.repair(trial.medium);
      const found = await trial.openAnew();
      // Whether the write that failed has got there nobody knows.
      expect([acknowledged.length, acknowledged.length + 1]).toContain(found.entries.length);
      expect(found).toMatchObject({ term: 0, vote: null });
      await trial.append(entries(found.entries.length + 1, found.entries.length + 1));
    });

    it.each(['nothing', 'everything'] as const)(
      'has what was before the step or what is after it, whichever write of it that was (%s got there)',
      async (reached) => {
        const states = await statesAfterEachStep(trial);
        const failedIn = new Map<string, number>();
        for (let nth = 1, failed: string | undefined = ''; failed !== undefined; nth++) {
          if (nth > MOST_WRITES) throw new Error('The write that was to fail never came.');
          await again(trial);
          fixture.failWrite(trial.medium, trial.store, nth, reached);
          let done = 0;
          failed = undefined;
          for (const [name, run] of STEPS) {
            failed = await run(trial.store).then(
              () => undefined,
              () => name,
            );
            if (failed !== undefined) break;
            done++;
          }
          if (failed === undefined) break;
          failedIn.set(failed, (failedIn.get(failed) ?? 0) + 1);
          await trial.store.close();
          const found = digest(await trial.openAnew());
          expect([states[done], states[done + 1]]).toContainEqual(found);
          // What a broken write left behind is in nobody's way: the rest follows as if nothing had been.
          const isAfter = found === states[done + 1];
          for (const [, run] of STEPS.slice(isAfter ? done + 1 : done)) await run(trial.store);
          expect(digest(await trial.reopen())).toEqual(states.at(-1));
        }
        expect([...failedIn.keys()]).toEqual(STEPS.map(([name]) => name));
        expect(failedIn.get('a snapshot in several parts')).toBeGreaterThan(3);
      },
    );
  });

  describe('on a medium that is damaged', () => {
    const reopenDamaged = async (): Promise<string> => {
      const failure = await trial.reopen().then(
        () => undefined,
        (error: unknown) => error as { code?: string; message: string },
      );
      expect(failure?.code).toBe('STORE_CORRUPT');
      return failure!.message;
    };

    const appendOneByOne = async (): Promise<void> => {
      for (const each of entries(1, 5)) await trial.append([each]);
    };

    it('names the first entry in which a bit has flipped, and does not start', async () => {
      await trial.store.open();
      await appendOneByOne();
      await trial.store.close();
      await fixture.flipBitInEntry(trial.medium, 3);
      expect(await reopenDamaged()).toMatch(/entry 3 fails its checksum.*backup/);
      // Refusing must not lock the folder.
      expect(await reopenDamaged()).toContain('entry 3');
    });

    it('does not start from a snapshot in which a bit has flipped', async () => {
      await trial.store.open();
      await trial.append(entries(1, 5));
      await trial.store.saveSnapshot({ index: 5, term: 1, payload: payload('state at 5') });
      await trial.store.close();
      await fixture.flipBitInSnapshot(trial.medium, 5);
      expect(await reopenDamaged()).toContain('the snapshot at 5');
    });

    it('notices an entry that is missing, in the middle and at the end', async () => {
      await trial.store.open();
      await appendOneByOne();
      await trial.store.close();
      await fixture.loseEntry(trial.medium, 5);
      expect(await reopenDamaged()).toContain('entry 5 is missing');
      await fixture.loseEntry(trial.medium, 2);
      expect(await reopenDamaged()).toContain('entry 2 is missing');
    });
  });
}

/** Of an empty log, and after each step: what opening finds. */
async function statesAfterEachStep<Medium>(trial: Trial<Medium>): Promise<string[]> {
  const states = [digest(await trial.store.open())];
  for (const [, run] of STEPS) {
    await run(trial.store);
    states.push(digest(await trial.reopen()));
  }
  return states;
}

/** A new medium, with an empty log open on it. */
async function again<Medium>(trial: Trial<Medium>): Promise<void> {
  await trial.end();
  await trial.begin();
  await trial.store.open();
}

/** Short enough to be compared, and to be read when it differs. */
function digest({ term, vote, snapshot, entries: log }: Found): string {
  const text = (bytes: Uint8Array): string =>
    bytes.length < 100 ? Buffer.from(bytes).toString() : `${bytes.length} bytes ${bytes.every((byte) => byte === 7)}`;
  const state = snapshot && `snapshot ${snapshot.index}@${snapshot.term} ${text(snapshot.payload)}`;
  return [`term ${term} vote ${vote}`, state, ...log.map((e) => `${e.index}@${e.term} ${text(e.payload)}`)].join('; ');
}
