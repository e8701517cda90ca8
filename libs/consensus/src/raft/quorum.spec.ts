import * as fc from 'fast-check';
import { election, isQuorum, majority, reachedByQuorum } from './quorum.js';

const simple = (...voters: string[]) => ({ voters, learners: [] });
const joint = (voters: string[], outgoing: string[]) => ({ voters, outgoing, learners: [] });
const from = (reached: Record<string, number>) => (voter: string) => reached[voter] ?? 0;

describe('a quorum', () => {
  it('is more than half', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(majority)).toEqual([1, 2, 2, 3, 3, 4, 4]);
    const configuration = simple('a', 'b', 'c', 'd');
    expect(isQuorum(configuration, (voter) => 'ab'.includes(voter))).toBe(false);
    expect(isQuorum(configuration, (voter) => 'abd'.includes(voter))).toBe(true);
  });

  it('of nobody does not exist', () => {
    expect(isQuorum(simple(), () => true)).toBe(false);
    expect(reachedByQuorum(simple(), () => 9)).toBe(0);
  });

  it('of a joint configuration needs both halves', () => {
    const configuration = joint(['b', 'c', 'd'], ['a', 'b', 'c']);
    expect(isQuorum(configuration, (voter) => 'bc'.includes(voter))).toBe(true);
    expect(isQuorum(configuration, (voter) => 'bd'.includes(voter))).toBe(false);
    expect(isQuorum(configuration, (voter) => 'ab'.includes(voter))).toBe(false);
    expect(isQuorum(configuration, (voter) => 'abd'.includes(voter))).toBe(true);
  });

  it('has reached what its slowest necessary member has', () => {
    expect(reachedByQuorum(simple('a', 'b', 'c'), from({ a: 9, b: 5, c: 1 }))).toBe(5);
    expect(reachedByQuorum(simple('a', 'b', 'c', 'd'), from({ a: 9, b: 7, c: 5, d: 1 }))).toBe(5);
    expect(reachedByQuorum(joint(['c', 'd', 'e'], ['a', 'b', 'c']), from({ a: 9, b: 9, c: 9, d: 3, e: 2 }))).toBe(3);
  });

  it('has reached a number exactly when those who have reached it are one', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const half = fc.subarray(ids, { minLength: 1 });
    const reached = fc.array(fc.nat(8), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(half, fc.option(half, { nil: undefined }), reached, (voters, outgoing, numbers) => {
        const configuration = { voters, learners: [], ...(outgoing && { outgoing }) };
        const of = (voter: string): number => numbers[ids.indexOf(voter)]!;
        const answer = reachedByQuorum(configuration, of);
        for (let number = 0; number <= 9; number++)
          expect(isQuorum(configuration, (voter) => of(voter) >= number)).toBe(number <= answer);
      }),
    );
  });
});

describe('an election', () => {
  const votes = (text: string) =>
    new Map([...text].map((letter): [string, boolean] => [letter.toLowerCase(), letter === letter.toUpperCase()]));

  it('is won by a majority, lost when none is possible any more, and open until then', () => {
    const configuration = simple('a', 'b', 'c', 'd', 'e');
    const outcomes = ['', 'AB', 'ABC', 'ABcd', 'Abcd', 'ABcdE'].map((text) => election(configuration, votes(text)));
    expect(outcomes).toEqual(['undecided', 'undecided', 'won', 'undecided', 'lost', 'won']);
  });

  it('is lost in a joint configuration as soon as one half is', () => {
    const configuration = joint(['c', 'd', 'e'], ['a', 'b', 'c']);
    expect(election(configuration, votes('ABCd'))).toBe('undecided');
    expect(election(configuration, votes('ABCde'))).toBe('lost');
    expect(election(configuration, votes('ABCdE'))).toBe('won');
  });

  it('does not count those without a vote', () => {
    expect(election(simple('a', 'b', 'c'), votes('AXYZ'))).toBe('undecided');
  });
});
