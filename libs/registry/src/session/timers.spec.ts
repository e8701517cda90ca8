import * as fc from 'fast-check';
import { Timers } from './timers.js';

describe('timers', () => {
  it('run in the order of their moments, those of one moment in the order in which they were set', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ atMs: fc.nat(20), isCancelled: fc.boolean() })), fc.nat(20), (all, nowMs) => {
        const timers = new Timers();
        const ran: { atMs: number; index: number }[] = [];
        const set = all.map(({ atMs }, index) => timers.at(atMs, () => ran.push({ atMs, index })));
        all.forEach(({ isCancelled }, index) => isCancelled && timers.cancel(set[index]));
        const expected = all
          .map(({ atMs, isCancelled }, index) => ({ atMs, index, isCancelled }))
          .filter((one) => !one.isCancelled)
          .toSorted((a, b) => a.atMs - b.atMs || a.index - b.index)
          .map(({ atMs, index }) => ({ atMs, index }));
        timers.runDue(nowMs);
        expect(ran).toEqual(expected.filter((one) => one.atMs <= nowMs));
        expect(timers.nextAtMs).toBe(expected.find((one) => one.atMs > nowMs)?.atMs);
      }),
    );
  });
});
