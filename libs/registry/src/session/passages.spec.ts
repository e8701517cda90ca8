import * as fc from 'fast-check';
import { Passages } from './passages.js';

/** Contents 1, 2, ... that arrived at these times. */
function passagesAt(arrivals: readonly number[]): Passages {
  const passages = new Passages();
  arrivals.forEach((arrivedAtMs, i) => passages.add(i + 1, { acceptedAtMs: undefined, arrivedAtMs }));
  return passages;
}

describe('how the contents of a view came about', () => {
  it('is told by the first change after what is held', () => {
    const passages = passagesAt([10, 20, 30]);
    expect([0, 1, 2, 3].map((serial) => passages.after(serial)?.arrivedAtMs)).toEqual([10, 20, 30, undefined]);
  });

  it('is never told to be later than it was, and to be older by a third at most, up to a minute', () => {
    const gaps = fc.array(
      fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 9_000 })),
      {
        minLength: 1,
        maxLength: 600,
      },
    );
    fc.assert(
      fc.property(gaps, (between) => {
        let atMs = 0;
        const arrivals = between.map((gapMs) => (atMs += gapMs));
        const passages = passagesAt(arrivals);
        for (let serial = 0; serial < arrivals.length; serial++) {
          const ageMs = atMs - arrivals[serial]!;
          const toldMs = atMs - passages.after(serial)!.arrivedAtMs;
          const isTold = toldMs >= ageMs && toldMs <= (ageMs * 4) / 3;
          expect(isTold || (ageMs > 60_000 && toldMs > 60_000)).toBe(true);
        }
      }),
    );
  });
});
