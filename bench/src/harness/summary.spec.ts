import { percentile, summary } from './summary.js';

describe('a summary', () => {
  it('has the middle, or the mean of both in the middle, and the extremes', () => {
    expect(summary([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(summary([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(summary([])).toBeUndefined();
  });
});

describe('a percentile', () => {
  it('is one of the values, that so many of all are not above', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([0, 1, 50, 99, 100].map((percent) => percentile(hundred, percent))).toEqual([1, 1, 50, 99, 100]);
    expect(percentile([7], 99)).toBe(7);
    expect(percentile([], 50)).toBeNaN();
  });
});
