import { Freshness } from './freshness.js';

describe("the age of a follower's state", () => {
  let freshness: Freshness;

  beforeEach(() => {
    freshness = new Freshness();
  });

  it('is unknown before it has heard from a leader that has heard from it', () => {
    freshness.applied(10, 1);
    expect(freshness.ageMs(1_000)).toBe(Infinity);
    freshness.contact(1, 1, 10, 0, 1_000);
    freshness.applied(10, 1);
    expect(freshness.ageMs(1_000)).toBe(Infinity);
  });

  it('counts from the round before the last contact that it has caught up with', () => {
    freshness.contact(1, 1, 10, 0, 900);
    freshness.contact(1, 2, 10, 1, 1_000);
    freshness.applied(9, 1);
    expect(freshness.ageMs(1_000)).toBe(Infinity);
    freshness.applied(10, 1);
    expect(freshness.ageMs(1_200)).toBe(300);
    freshness.contact(1, 3, 10, 2, 1_500);
    freshness.applied(10, 1);
    expect(freshness.ageMs(1_600)).toBe(600);
  });

  it('does not take for new what has waited on the way, or while the process stood still', () => {
    freshness.contact(1, 1, 10, 0, 900);
    freshness.contact(1, 2, 10, 1, 1_000);
    freshness.applied(10, 1);
    // Sent long ago, one after the other, with no answer from here: they come all at once.
    for (let round = 3; round <= 200; round++) freshness.contact(1, round, 10, 2, 60_000);
    freshness.applied(10, 1);
    expect(freshness.ageMs(60_000)).toBe(59_000);
    freshness.contact(1, 201, 10, 200, 60_050);
    freshness.applied(10, 1);
    expect(freshness.ageMs(60_050)).toBe(50);
  });

  it('errs to the older side where it has heard more rounds than it remembers', () => {
    for (let round = 1; round <= 10_000; round++) freshness.contact(1, round, 10, 0, round);
    freshness.contact(1, 10_001, 10, 9_990, 10_001);
    freshness.applied(10, 1);
    const ageMs = freshness.ageMs(10_001);
    expect(ageMs).toBeGreaterThanOrEqual(11);
    expect(ageMs).toBeLessThan(10_001);
  });

  it('is bounded although new commits come faster than they are applied', () => {
    for (let round = 1; round <= 100; round++) {
      freshness.contact(1, round, round * 10, round - 1, round * 50);
      freshness.applied(round * 10 - 5, 1);
    }
    expect(freshness.ageMs(5_000)).toBeLessThanOrEqual(150);
  });

  it('does not count a contact that was overtaken, nor the rounds of another term', () => {
    freshness.contact(1, 4, 10, 0, 900);
    freshness.contact(1, 6, 10, 4, 1_000);
    freshness.applied(10, 1);
    freshness.contact(1, 5, 10, 4, 2_000);
    freshness.contact(1, 6, 10, 6, 2_000);
    freshness.applied(10, 1);
    expect(freshness.ageMs(2_000)).toBe(1_100);
    freshness.contact(2, 7, 10, 6, 2_000);
    freshness.applied(10, 2);
    expect(freshness.ageMs(2_000)).toBe(1_100);
  });

  it('does not believe a new leader before an entry of its term is committed', () => {
    freshness.contact(2, 1, 10, 0, 900);
    freshness.contact(2, 2, 10, 1, 1_000);
    freshness.applied(12, 1);
    expect(freshness.ageMs(1_000)).toBe(Infinity);
    freshness.applied(13, 2);
    expect(freshness.ageMs(1_000)).toBe(100);
  });
});
