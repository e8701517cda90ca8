import { Gap } from './gap.js';

describe('a gap', () => {
  it('is the longest time between two, since it was last taken', () => {
    const gap = new Gap(0);
    for (const ms of [10, 60, 70]) gap.happened(ms);
    expect(gap.takeLongestMs(75)).toBe(50);
    expect(gap.takeLongestMs(75)).toBe(5);
  });

  it('counts what is under way, and what had begun before it was last taken', () => {
    const gap = new Gap(0);
    expect([gap.sinceMs(30), gap.takeLongestMs(30)]).toEqual([30, 30]);
    gap.happened(100);
    expect(gap.takeLongestMs(101)).toBe(100);
  });
});
