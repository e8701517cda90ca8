import { Freshness } from './freshness.js';

describe("the age of a follower's state", () => {
  let freshness: Freshness;

  beforeEach(() => {
    freshness = new Freshness();
  });

  it('is unknown before it has heard from a leader', () => {
    freshness.applied(10, 1);
    expect(freshness.ageMs(1_000)).toBe(Infinity);
  });

  it('counts from the last contact that it has caught up with', () => {
    freshness.contact(1, 1, 10, 1_000);
    freshness.applied(9, 1);
    expect(freshness.ageMs(1_000)).toBe(Infinity);
    freshness.applied(10, 1);
    expect(freshness.ageMs(1_200)).toBe(200);
    freshness.contact(1, 2, 10, 1_500);
    freshness.applied(10, 1);
    expect(freshness.ageMs(1_600)).toBe(100);
  });

  it('is bounded although new commits come faster than they are applied', () => {
    for (let round = 1; round <= 100; round++) {
      freshness.contact(1, round, round * 10, round * 50);
      freshness.applied(round * 10 - 5, 1);
    }
    expect(freshness.ageMs(5_000)).toBeLessThanOrEqual(100);
  });

  it('does not count a contact that was overtaken', () => {
    freshness.contact(1, 5, 10, 1_000);
    freshness.applied(10, 1);
    freshness.contact(1, 4, 10, 2_000);
    freshness.contact(1, 5, 10, 2_000);
    freshness.applied(10, 1);
    expect(freshness.ageMs(2_000)).toBe(1_000);
  });

  it('does not believe a new leader before an entry of its term is committed', () => {
    freshness.contact(2, 1, 10, 1_000);
    freshness.applied(12, 1);
    expect(freshness.ageMs(1_000)).toBe(Infinity);
    freshness.applied(13, 2);
    expect(freshness.ageMs(1_000)).toBe(0);
  });
});
