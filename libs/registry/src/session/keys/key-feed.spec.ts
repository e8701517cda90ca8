import type { KeyChange } from '#model';
import { KeyFeed } from './key-feed.js';
import type { KeyQuestions } from './key-questions.js';

type Answered = (message: { result: object; revision: number }) => void;

/** A feed of two slots, led by the servers behind the links 0 and 1, each of which has told that there are no keys yet. */
function feedOfTwo(): {
  feed: KeyFeed;
  told: string[];
  asked: { link: number; answer: Answered }[];
  wakes: (() => void)[];
} {
  const wakes: (() => void)[] = [];
  const context = { nowMs: 0, timers: { at: (_ms: number, wake: () => void) => wakes.push(wake) } };
  const asked: { link: number; answer: Answered }[] = [];
  const all = [0, 1].map((link) => ({ link, leaderEpoch: 1 }));
  const asks = {
    seen: 0,
    see: () => {},
    byLink: (wanted: number[]) => new Map(wanted.map((slot) => [slot, [slot]])),
    send: (link: number, { op }: { op: string }, _seen: number, { answered }: { answered: Answered }) => {
      if (op === 'watch') answered({ result: { op, entries: [], changes: [] }, revision: 0 });
      else asked.push({ link, answer: answered });
    },
  };
  const span = { key: 'a', end: 'b' };
  const places = { slotsOf: () => [0, 1], slotOfKey: () => 0, nativeIn: () => undefined };
  const questions = { context, slots: { all }, asks, ...places } as unknown as KeyQuestions;
  const feed = new KeyFeed(1, span, 0, questions);
  const told: string[] = [];
  feed.listeners.add({
    changed: (changes) => told.push(...changes.map(({ key, revision }) => `${key}@${revision}`)),
    settled: () => {},
    gap: (revision) => told.push(`gap ${revision}`),
    ready: () => {},
  });
  feed.sync();
  return { feed, told, asked, wakes };
}

const changeOf = (slot: number, key: string, revision: number): KeyChange => ({ slot, key, revision }) as KeyChange;

describe('all changes of a range', () => {
  it('are passed on in the order of their revisions, once every leader has told up to there', () => {
    const { feed, told } = feedOfTwo();
    feed.changed(0, 4, [changeOf(0, 'a1', 1), changeOf(0, 'a2', 4), changeOf(0, 'a3', 4)]);
    expect(told).toEqual([]);
    feed.changed(1, 3, [changeOf(1, 'a4', 3)]);
    expect(told).toEqual(['a1@1', 'a4@3']);
    feed.changed(1, 4, []);
    expect(told).toEqual(['a1@1', 'a4@3', 'a2@4', 'a3@4']);
  });

  it('are not taken for told by a leader that has refused to say so, which is asked again, later', () => {
    const { feed, told, asked, wakes } = feedOfTwo();
    feed.changed(0, 4, [changeOf(0, 'a1', 4)]);
    expect(asked.map(({ link }) => link)).toEqual([1]);
    asked[0]!.answer({ result: { op: 'failed', code: 'MOVED' }, revision: 4 });
    expect(told).toEqual([]);
    expect(asked).toHaveLength(1);
    for (const wake of wakes) wake();
    expect(asked.map(({ link }) => link)).toEqual([1, 1]);
    feed.changed(1, 3, [changeOf(1, 'a2', 3)]);
    expect(told).toEqual(['a2@3']);
    asked[1]!.answer({ result: { op: 'done' }, revision: 4 });
    expect(told).toEqual(['a2@3', 'a1@4']);
  });

  it('do not wait in any number for a leader that is behind: then watches begin anew', () => {
    const { feed, told } = feedOfTwo();
    const many = Array.from({ length: 20_001 }, (_, i) => changeOf(0, 'a1', i + 1));
    feed.changed(0, many.length, many);
    expect(told).toEqual(['gap 20001']);
    expect(feed.onTheWay).toEqual([]);
  });
});
