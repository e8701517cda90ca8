import { setImmediate } from 'node:timers/promises';
import { PageTurns } from './page-turns.js';

/** Work of so many turns. */
function* turns<T>(count: number, result: T, log: (turn: number) => void = () => {}): Generator<void, T, void> {
  for (let turn = 0; turn < count; turn++) {
    log(turn);
    yield;
  }
  return result;
}

describe('PageTurns', () => {
  it('lets others have a turn between the turns of the work', async () => {
    const pages = new PageTurns();
    const seen: string[] = [];
    const made = pages.make(() => turns(3, 'page', (turn) => seen.push(`page ${turn}`)));
    for (let turn = 0; turn < 3; turn++) {
      seen.push(`other ${turn}`);
      await setImmediate();
    }
    expect(await made).toBe('page');
    expect(seen).toEqual(['page 0', 'other 0', 'page 1', 'other 1', 'page 2', 'other 2']);
  });

  it('begins two, lets a hundred wait, each in its turn, and refuses more', async () => {
    const pages = new PageTurns();
    const begun: number[] = [];
    const made = Array.from({ length: 102 }, (_, i) =>
      pages.make(() => {
        begun.push(i);
        return turns(2, i);
      }),
    );
    await expect(pages.make(() => turns(1, 'late'))).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterMs: 1_000 });
    expect(begun).toEqual([0, 1]);
    expect(await Promise.all(made)).toEqual(Array.from({ length: 102 }, (_, i) => i));
    expect(begun).toEqual(Array.from({ length: 102 }, (_, i) => i));
    expect(await pages.make(() => turns(1, 'later'))).toBe('later');
  });

  it('goes on with the next where one fails', async () => {
    const pages = new PageTurns();
    const failing = [1, 2, 3].map((i) =>
      pages.make(() => {
        throw new Error(`failed ${i}`);
      }),
    );
    const results = await Promise.allSettled(failing);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await pages.make(() => turns(1, 'after'))).toBe('after');
  });
});
