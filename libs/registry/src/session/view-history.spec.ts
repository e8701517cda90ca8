import * as fc from 'fast-check';
import { ViewHistory } from './view-history.js';

const hash = (low: number) => ({ high: 0, low });
const touched = (...names: string[]) => new Map(names.map((name) => [name, undefined]));
const names = (history: ViewHistory, serial: number) => {
  const since = history.since(serial);
  return since && [...since.keys()];
};

describe('what a view remembers of its changes', () => {
  it('is what has been touched since each former content, once, with what it was at first', () => {
    const history = new ViewHistory();
    history.record(hash(0), new Map([['a', hash(1)]]), 64);
    history.record(hash(10), new Map([['b', hash(2)]]), 64);
    const last = new Map([
      ['a', hash(3)],
      ['c', undefined],
    ]);
    history.record(hash(20), last, 64);
    expect(history.serial).toBe(3);
    expect([...history.since(0)!]).toEqual([
      ['a', hash(1)],
      ['b', hash(2)],
      ['c', undefined],
    ]);
    expect(names(history, 1)).toEqual(['b', 'a', 'c']);
    expect([...history.since(2)!]).toEqual([...last]);
    expect(names(history, 3)).toEqual([]);
    expect([history.since(4), history.since(-1)]).toEqual([undefined, undefined]);
  });

  it('finds a former content by its hash, the latest of several', () => {
    const history = new ViewHistory();
    for (const low of [1, 2, 1, 3]) history.record(hash(low), touched('a'), 64);
    expect([1, 2, 3, 4].map((low) => history.serialOf(hash(low)))).toEqual([2, 1, 3, undefined]);
    expect(names(history, history.serialOf(hash(2))!)).toEqual(['a']);
  });

  it('is bounded by the number of names, and forgets the oldest', () => {
    const history = new ViewHistory();
    for (let i = 0; i < 1_000; i++) history.record(hash(i), touched(`a${i}`, `b${i}`), 10);
    expect(history.serial).toBe(1_000);
    expect(names(history, 998)).toEqual(['a998', 'b998', 'a999', 'b999']);
    const reach = Array.from({ length: 1_000 }, (_, serial) => history.since(serial)).filter((since) => since).length;
    expect(reach).toBeGreaterThanOrEqual(2);
    expect(reach).toBeLessThanOrEqual(5);
    expect([history.since(990), history.serialOf(hash(990))]).toEqual([undefined, undefined]);
  });

  it('forgets everything with a change that is as much as the whole', () => {
    const history = new ViewHistory();
    history.record(hash(1), touched('a'), 10);
    history.record(hash(2), touched(...'bcdefgh'), 10);
    expect([history.since(0), history.since(1), history.serialOf(hash(2))]).toEqual([undefined, undefined, undefined]);
    expect(names(history, 2)).toEqual([]);
    history.record(hash(3), touched('a'), 10);
    expect(names(history, 2)).toEqual(['a']);
  });

  it('tells of every content that it remembers what somebody tells who has noted all steps', () => {
    const was = fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined });
    const step = fc.dictionary(fc.constantFrom(...'abcdefgh'), was, { minKeys: 1, maxKeys: 4 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 4, max: 20 }), (steps, most) => {
        const history = new ViewHistory();
        const noted = steps.map((each) => Object.entries(each));
        noted.forEach((each, at) => {
          history.record(
            hash(at),
            new Map(each.map(([name, low]) => [name, low === undefined ? low : hash(low)])),
            most,
          );
        });
        for (let serial = 0; serial <= steps.length; serial++) {
          const since = history.since(serial);
          expect(history.serialOf(hash(serial))).toBe(since && serial < steps.length ? serial : undefined);
          if (!since) continue;
          const first = new Map(noted.slice(serial).flat().toReversed());
          const told = [...since].map(([name, before]) => [name, before?.low]);
          expect(new Map(told as [string, number | undefined][])).toEqual(first);
        }
        expect(history.since(steps.length)).toEqual(new Map());
      }),
    );
  });
});
