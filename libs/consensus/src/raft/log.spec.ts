import type { Entry, Restored } from './contract.js';
import { command, noop, terms } from './core.harness.js';
import { RaftLog, sizeOf } from './log.js';

const nothing: Restored = { term: 0, vote: null, snapshot: null, entries: [] };
const abc = { voters: ['a', 'b', 'c'], learners: [] };
const configured = (index: number, term: number, ...voters: string[]): Entry => ({
  kind: 'configuration',
  index,
  term,
  configuration: { voters, learners: [] },
});

const logOf = (...entries: Entry[]): RaftLog => new RaftLog({ ...nothing, entries }, abc);
const indices = (entries: Entry[]): number[] => entries.map(({ index }) => index);

describe('the log', () => {
  it('begins empty, in front of the first entry', () => {
    const log = logOf();
    expect([log.first, log.last, log.lastTerm, log.termAt(0), log.termAt(1)]).toEqual([1, 0, 0, 0, undefined]);
  });

  it('goes on behind a snapshot', () => {
    const snapshot = { index: 7, term: 3, configuration: abc };
    const log = new RaftLog({ ...nothing, snapshot, entries: [noop(8, 4)] }, undefined);
    expect([log.first, log.last, log.commit, log.applied]).toEqual([8, 8, 7, 7]);
    expect([6, 7, 8, 9].map((index) => log.termAt(index))).toEqual([undefined, 3, 4, undefined]);
    expect(log.configuration).toEqual(abc);
  });

  it('knows which other logs may lead it', () => {
    const log = logOf(...terms(1, 1, 2));
    expect(log.isUpToDate(3, 2)).toBe(true);
    expect(log.isUpToDate(4, 2)).toBe(true);
    expect(log.isUpToDate(2, 2)).toBe(false);
    expect(log.isUpToDate(9, 1)).toBe(false);
    expect(log.isUpToDate(1, 3)).toBe(true);
  });

  it('is cut into appends by bytes, with at least one entry in each', () => {
    const log = logOf(command(1, 1, 'xxxx'), command(2, 1, 'yyyy'), command(3, 1, 'z'.repeat(100)));
    const one = sizeOf(log.entryAt(1)!);
    expect(indices(log.slice(1, 2 * one))).toEqual([1, 2]);
    expect(indices(log.slice(1, 2 * one - 1))).toEqual([1]);
    expect(indices(log.slice(3, 1))).toEqual([3]);
    expect(log.slice(4, 1000)).toEqual([]);
  });

  it('says where two logs cannot match, by the terms', () => {
    const log = logOf(...terms(1, 1, 4, 4, 5, 5));
    expect(log.lastWithTermAtMost(6, 4)).toBe(4);
    expect(log.lastWithTermAtMost(6, 3)).toBe(2);
    expect(log.lastWithTermAtMost(99, 9)).toBe(6);
    expect(log.lastWithTermAtMost(3, 0)).toBe(0);
    const snapshot = { index: 7, term: 3, configuration: abc };
    const compacted = new RaftLog({ ...nothing, snapshot, entries: [noop(8, 4)] }, undefined);
    expect([3, 2].map((term) => compacted.lastWithTermAtMost(8, term))).toEqual([7, 6]);
  });

  it('is durable to where its writes have been synced', () => {
    const log = logOf();
    log.append(terms(1, 1));
    expect(log.takeWrite()).toEqual({ entries: terms(1, 1) });
    log.writing(1);
    log.append([noop(3, 1)]);
    expect(indices(log.takeWrite().entries!)).toEqual([3]);
    log.writing(2);
    expect(log.durable).toBe(0);
    log.synced(1);
    expect(log.durable).toBe(2);
    log.synced(2);
    expect(log.durable).toBe(3);
  });

  it('is not durable by the write of what was replaced meanwhile', () => {
    const log = logOf(...terms(1, 1));
    log.append([noop(3, 1), noop(4, 1)]);
    log.takeWrite();
    log.writing(1);
    log.truncate(3);
    log.append([noop(3, 2), noop(4, 2)]);
    expect(log.takeWrite()).toEqual({ truncateFrom: 3, entries: [noop(3, 2), noop(4, 2)] });
    log.writing(2);
    log.synced(1);
    expect(log.durable).toBe(2);
    log.synced(2);
    expect(log.durable).toBe(4);
  });

  it('hands out each committed entry once, and only what is on disk', () => {
    const log = logOf(...terms(1, 1));
    log.append([noop(3, 1)]);
    log.takeWrite();
    log.writing(1);
    log.commitTo(3);
    expect(indices(log.takeCommitted())).toEqual([1, 2]);
    expect(log.takeCommitted()).toEqual([]);
    log.synced(1);
    expect(indices(log.takeCommitted())).toEqual([3]);
  });

  it('takes a configuration as soon as it holds it, and gives it up with the entry', () => {
    const log = logOf(noop(1, 1), configured(2, 1, 'a', 'b'));
    expect([log.configuration.voters, log.configurationIndex]).toEqual([['a', 'b'], 2]);
    log.append([configured(3, 1, 'a')]);
    expect(log.configuration.voters).toEqual(['a']);
    log.truncate(3);
    expect(log.configuration.voters).toEqual(['a', 'b']);
    log.truncate(2);
    expect([log.configuration, log.configurationIndex]).toEqual([abc, 0]);
  });

  it('is compacted up to what is kept for peers that are a little behind', () => {
    const log = logOf(noop(1, 1), configured(2, 1, 'a', 'b'), ...[3, 4, 5].map((index) => noop(index, 2)));
    log.commitTo(5);
    log.takeCommitted();
    log.compact({ index: 5, term: 2, configuration: log.configuration }, 2);
    expect([log.first, log.termAt(3), log.termAt(2), log.snapshot?.index]).toEqual([4, 2, undefined, 5]);
    expect(log.configuration.voters).toEqual(['a', 'b']);
    log.append([noop(6, 2)]);
    expect([log.last, log.entryAt(6)?.index]).toEqual([6, 6]);
  });

  it('gives way to a snapshot, durable only with it', () => {
    const log = logOf(...terms(1, 1, 1));
    log.commitTo(2);
    const meta = { index: 9, term: 3, configuration: { voters: ['z'], learners: [] } };
    log.install(meta);
    log.writing(1);
    log.append([noop(10, 3)]);
    log.commitTo(10);
    expect([log.durable, log.commit, log.first, log.configuration.voters]).toEqual([2, 10, 10, ['z']]);
    expect([log.snapshot, log.takeCommitted()]).toEqual([null, []]);
    log.synced(1);
    expect([log.durable, log.snapshot, log.applied]).toEqual([9, meta, 9]);
  });
});
