import type { RaftMessage } from './contract.js';
import { append, Driven, noop, terms } from './core.harness.js';

type Ask = Extract<RaftMessage, { kind: 'preVote' | 'vote' }>;
const ask = (kind: Ask['kind'], term: number, lastIndex = 0, lastTerm = 0): Ask => ({
  kind,
  term,
  lastIndex,
  lastTerm,
});
const yes = (kind: 'preVoteAnswer' | 'voteAnswer', term: number): RaftMessage => ({ kind, term, granted: true });
const no = (kind: 'preVoteAnswer' | 'voteAnswer', term: number): RaftMessage => ({ kind, term, granted: false });

describe('a term', () => {
  it.each(['follower', 'candidate', 'leader'])('is given up by a %s that hears of a later one', (role) => {
    const node = new Driven();
    if (role === 'candidate') node.stand();
    if (role === 'leader') node.lead();
    const term = node.status.term + 2;
    expect(node.receive('n3', append(term))[0]).toBe(`write term ${term} vote null`);
    expect(node.status).toMatchObject({ role: 'follower', term, leader: 'n3' });
  });

  it('that is over makes its messages void, and its leader is told', () => {
    const node = new Driven({ term: 5 });
    expect(node.receive('n2', append(4, { entries: [noop(1, 4)] }))).toEqual(['> n2 matched 0 in 5']);
    expect(node.receive('n2', yes('voteAnswer', 4))).toEqual([]);
    expect(node.receive('n2', { kind: 'timeoutNow', term: 4 })).toEqual([]);
    expect(node.status).toMatchObject({ role: 'follower', leader: undefined, last: 0 });
  });
});

describe('an election', () => {
  it('begins as a follower, and not before the node has waited for a leader', () => {
    const node = new Driven();
    expect(node.status.role).toBe('follower');
    expect(node.pass(299)).toEqual([]);
    expect(node.timeOut()).toEqual(['> n2 preVote 1 last 0@0', '> n3 preVote 1 last 0@0']);
    expect(node.nowMs).toBeLessThanOrEqual(600);
  });

  it('begins at different times on different nodes', () => {
    const times = Array.from({ length: 50 }, (_, seed) => {
      const node = new Driven({ seed });
      node.timeOut();
      return node.nowMs;
    });
    expect(new Set(times).size).toBeGreaterThan(30);
    for (const ms of times) expect(ms >= 300 && ms <= 600).toBe(true);
  });

  it('begins again at different times on different candidates', () => {
    const times = Array.from({ length: 50 }, (_, seed) => {
      const node = new Driven({ seed });
      node.stand();
      const sinceMs = node.nowMs;
      node.timeOut();
      return node.nowMs - sinceMs;
    });
    expect(new Set(times).size).toBeGreaterThan(30);
    for (const ms of times) expect(ms >= 300 && ms <= 600).toBe(true);
  });

  it('asks first, which costs nobody a term', () => {
    const node = new Driven({ entries: terms(1, 2), term: 2 });
    node.timeOut();
    expect(node.status).toMatchObject({ role: 'preCandidate', term: 2 });
    expect(node.receive('n3', yes('preVoteAnswer', 3))).toEqual(['write term 3 vote n1']);
    expect(node.status).toMatchObject({ role: 'candidate', term: 3 });
  });

  it('asks for votes only when its own is on disk, and counts its own only then', () => {
    const node = new Driven();
    node.timeOut();
    node.receive('n2', yes('preVoteAnswer', 1));
    expect(node.receive('n2', yes('voteAnswer', 1))).toEqual([]);
    expect(node.status.role).toBe('candidate');
    const lines = node.sync();
    expect(node.status.role).toBe('leader');
    expect(lines.slice(0, 1)).toEqual(['write 1@1, 2@1 [n1,n2,n3]']);
  });

  it('is not decided by a vote for itself that only an earlier write has come before', () => {
    const node = new Driven();
    node.receive('n2', append(1, { entries: terms(1) }));
    node.timeOut();
    node.receive('n2', yes('preVoteAnswer', 2));
    node.sync(1);
    node.receive('n2', yes('voteAnswer', 2));
    expect(node.status.role).toBe('candidate');
    node.sync();
    expect(node.status.role).toBe('leader');
  });

  it('asks for votes with the end of its log', () => {
    const node = new Driven({ term: 3, entries: terms(1, 2, 2) });
    expect(node.timeOut()).toEqual(['> n2 preVote 4 last 3@2', '> n3 preVote 4 last 3@2']);
    node.receive('n2', yes('preVoteAnswer', 4));
    expect(node.sync()).toEqual(['> n2 vote 4 last 3@2', '> n3 vote 4 last 3@2']);
  });

  it('counts no answer to an earlier one', () => {
    const node = new Driven();
    node.stand();
    node.timeOut();
    node.receive('n2', yes('preVoteAnswer', 1));
    expect(node.status).toMatchObject({ role: 'preCandidate', term: 1 });
    node.receive('n2', yes('preVoteAnswer', 2));
    node.sync();
    node.receive('n3', yes('voteAnswer', 1));
    expect(node.status).toMatchObject({ role: 'candidate', term: 2 });
    node.receive('n3', yes('voteAnswer', 2));
    expect(node.status.role).toBe('leader');
  });

  it.each([
    ['a majority of three', ['n1', 'n2', 'n3'], [], 'candidate'],
    ['a majority of three', ['n1', 'n2', 'n3'], ['n2'], 'leader'],
    ['a majority of five', ['n1', 'n2', 'n3', 'n4', 'n5'], ['n2'], 'candidate'],
    ['a majority of five', ['n1', 'n2', 'n3', 'n4', 'n5'], ['n2', 'n2', 'n2'], 'candidate'],
    ['a majority of five', ['n1', 'n2', 'n3', 'n4', 'n5'], ['n2', 'n5'], 'leader'],
    ['voters only', ['n1', 'n2', 'n3'], ['n9', 'n8'], 'candidate'],
  ])('is decided by %s (%j, votes of %j: %s)', (_, voters, granting, role) => {
    const node = new Driven({ configuration: { voters, learners: ['n8'] } });
    node.timeOut();
    for (const voter of voters.slice(1)) node.receive(voter, yes('preVoteAnswer', 1));
    node.sync();
    for (const voter of granting) node.receive(voter, yes('voteAnswer', 1));
    expect(node.status.role).toBe(role);
  });

  it('is won at once by the only voter, when its vote is on disk', () => {
    const node = new Driven({ configuration: { voters: ['n1'], learners: [] } });
    expect(node.status).toMatchObject({ role: 'candidate', term: 1 });
    expect(node.sync()).toEqual(['write 1@1, 2@1 [n1]']);
    expect(node.status).toMatchObject({ role: 'leader', commit: 0 });
  });

  it('is given up when a majority refuses, without a new term', () => {
    const node = new Driven();
    node.timeOut();
    node.receive('n2', no('preVoteAnswer', 0));
    expect(node.status.role).toBe('preCandidate');
    node.receive('n3', no('preVoteAnswer', 0));
    expect(node.status).toMatchObject({ role: 'follower', term: 0 });
  });

  it('is given up when another leads', () => {
    const node = new Driven();
    node.stand();
    node.receive('n2', append(1));
    expect(node.status).toMatchObject({ role: 'follower', term: 1, leader: 'n2' });
  });

  it('that nobody wins is repeated, asking first again', () => {
    const node = new Driven();
    node.stand();
    expect(node.timeOut()).toEqual(['> n2 preVote 2 last 0@0', '> n3 preVote 2 last 0@0']);
    expect(node.status.term).toBe(1);
  });

  it('is not for learners, nor for nodes that belong to no group', () => {
    for (const voters of [['n2', 'n3'], []]) {
      const node = new Driven({ configuration: { voters, learners: ['n1'] } });
      expect(node.pass(10_000)).toEqual([]);
      expect(node.status).toMatchObject({ role: 'learner', term: 0 });
    }
  });
});

describe('a vote', () => {
  it('is given by nobody who has been told nothing of the group', () => {
    const node = new Driven({ configuration: { voters: [], learners: [] } });
    expect(node.receive('n2', ask('preVote', 5, 9, 4))).toEqual(['> n2 preVoteAnswer 0 no']);
    expect(node.receive('n2', ask('vote', 5, 9, 4))).toEqual(['> n2 voteAnswer 0 no']);
    expect(node.receive('n2', { ...ask('vote', 5, 9, 4), transfer: true })).toEqual(['> n2 voteAnswer 0 no']);
    const configuration = { voters: ['n2', 'n3'], learners: ['n1'] };
    node.receive('n2', append(5, { entries: [{ kind: 'configuration', index: 1, term: 5, configuration }] }));
    node.sync();
    node.receive('n3', ask('vote', 6, 9, 5));
    expect(node.sync()).toEqual([]);
    node.pass(1_000);
    node.receive('n3', ask('vote', 6, 9, 5));
    expect(node.sync()).toEqual(['> n3 voteAnswer 6 yes']);
  });

  it('is given with its term in one write, and told when that is on disk', () => {
    const node = new Driven({ term: 1 });
    expect(node.receive('n2', ask('vote', 2))).toEqual(['write term 2 vote n2']);
    expect(node.sync()).toEqual(['> n2 voteAnswer 2 yes']);
  });

  it('is given once in a term, to the same as often as asked', () => {
    const node = new Driven();
    node.receive('n2', ask('vote', 1));
    node.sync();
    expect(node.receive('n3', ask('vote', 1))).toEqual(['> n3 voteAnswer 1 no']);
    expect(node.receive('n2', ask('vote', 1))).toEqual(['> n2 voteAnswer 1 yes']);
  });

  it('gives whom it is given to time to win', () => {
    const node = new Driven();
    // It has the term already, from somebody else.
    node.receive('n3', no('voteAnswer', 1));
    node.sync();
    node.pass(290);
    node.receive('n2', ask('vote', 1));
    node.sync();
    expect(node.pass(299)).toEqual([]);
    expect(node.status.role).toBe('follower');
  });

  it('is promised for no term that the voter has reached', () => {
    const node = new Driven({ term: 5 });
    for (const term of [4, 5])
      expect(node.receive('n2', ask('preVote', term, 9, 4))).toEqual(['> n2 preVoteAnswer 5 no']);
    expect(node.receive('n2', ask('preVote', 6, 9, 4))).toEqual(['> n2 preVoteAnswer 6 yes']);
  });

  it('asked for again before it is on disk still waits for the disk', () => {
    const node = new Driven();
    node.receive('n2', ask('vote', 1));
    expect(node.receive('n2', ask('vote', 1))).toEqual([]);
    expect(node.sync()).toEqual(['> n2 voteAnswer 1 yes', '> n2 voteAnswer 1 yes']);
  });

  it('is remembered over a restart', () => {
    const node = new Driven({ term: 3, vote: 'n2' });
    expect(node.receive('n3', ask('vote', 3))).toEqual(['> n3 voteAnswer 3 no']);
  });

  it('is not given in the term of a leader that is known', () => {
    const node = new Driven();
    node.receive('n3', append(1));
    node.sync();
    node.nowMs += 299;
    expect(node.receive('n2', ask('vote', 1))).toEqual(['> n2 voteAnswer 1 no']);
    node.nowMs += 10;
    expect(node.receive('n2', ask('vote', 1))).toEqual(['> n2 voteAnswer 1 no']);
  });

  it.each([
    ['an earlier last term', [1, 2], 9, 1, 'no'],
    ['the same last term and a shorter log', [1, 2], 1, 2, 'no'],
    ['the same log', [1, 2], 2, 2, 'yes'],
    ['the same last term and a longer log', [1, 2], 3, 2, 'yes'],
    ['a later last term and a shorter log', [1, 2], 1, 3, 'yes'],
  ])('for a candidate with %s', (_, log, lastIndex, lastTerm, answer) => {
    const node = new Driven({ term: 3, entries: terms(...log) });
    expect(node.receive('n2', ask('preVote', 4, lastIndex, lastTerm))).toEqual([
      `> n2 preVoteAnswer ${answer === 'yes' ? 4 : 3} ${answer}`,
    ]);
    node.receive('n2', ask('vote', 4, lastIndex, lastTerm));
    expect(node.sync()).toEqual([`> n2 voteAnswer 4 ${answer}`]);
  });

  it('is kept when a leader steps down in its own term (CCF #8094)', () => {
    const node = new Driven();
    node.lead();
    const { term } = node.status;
    expect(node.pass(1000)).not.toContainEqual(expect.stringMatching(/^write/));
    expect(node.status).toMatchObject({ role: expect.stringMatching(/follower|preCandidate/) as string, term });
    expect(node.receive('n2', ask('vote', term, 9, term))).toEqual([`> n2 voteAnswer ${term} no`]);
  });

  it('is refused while a leader is heard, and the term of who asks is not taken', () => {
    const node = new Driven();
    node.receive('n3', append(1));
    node.sync();
    node.nowMs += 200;
    expect(node.receive('n2', ask('preVote', 2, 9, 1))).toEqual(['> n2 preVoteAnswer 1 no']);
    expect(node.receive('n2', ask('vote', 7, 9, 6))).toEqual(['> n2 voteAnswer 1 no']);
    expect(node.status).toMatchObject({ term: 1, leader: 'n3' });
    expect(node.receive('n2', { ...ask('vote', 2, 9, 1), transfer: true })).toEqual(['write term 2 vote n2']);
  });

  it('is refused by a leader', () => {
    const node = new Driven();
    node.lead();
    expect(node.receive('n2', ask('vote', 9, 9, 8))).toEqual(['> n2 voteAnswer 1 no']);
    expect(node.status.role).toBe('leader');
  });

  it('that is only asked about binds nobody, and waits for no disk', () => {
    const node = new Driven();
    node.receive('n2', no('voteAnswer', 1));
    expect(node.receive('n2', ask('preVote', 2))).toEqual(['> n2 preVoteAnswer 2 yes']);
    expect(node.receive('n3', ask('preVote', 2))).toEqual(['> n3 preVoteAnswer 2 yes']);
    expect(node.status).toMatchObject({ term: 1, role: 'follower' });
  });
});

describe('a node that was stalled', () => {
  it('lets what waits behind its timer come first, once', () => {
    const node = new Driven();
    node.receive('n2', append(1));
    node.sync();
    node.nowMs = 2_000;
    expect(node.step({ type: 'wake' })).toEqual([]);
    expect(node.pass(49)).toEqual([]);
    expect(node.status.role).toBe('follower');
    node.nowMs = 2_500;
    expect(node.step({ type: 'wake' })).toEqual(['> n2 preVote 2 last 0@0', '> n3 preVote 2 last 0@0']);
  });

  it('does not step down before it has seen the answers to its heartbeats', () => {
    const node = new Driven();
    node.lead();
    node.nowMs += 700;
    expect(node.step({ type: 'wake' })).toContainEqual(expect.stringMatching(/^> n2 append/));
    node.acknowledge('n2', 2, 2);
    node.pass(300);
    expect(node.status.role).toBe('leader');
  });
});
