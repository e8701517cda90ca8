import * as fc from 'fast-check';
import type { RaftMessage } from './contract.js';
import { append, command, Driven, noop, terms } from './core.harness.js';
import { bytes } from './member.harness.js';

type AppendAnswer = Extract<RaftMessage, { kind: 'appendAnswer' }>;

const answers = (lines: string[]): string[] => lines.filter((line) => line.includes('matched'));

describe('a follower', () => {
  const follower = (...log: number[]): Driven => new Driven({ term: log.at(-1) ?? 0, entries: terms(...log) });

  it('acknowledges entries when they are on disk', () => {
    const node = follower();
    expect(node.receive('n2', append(1, { entries: terms(1, 1) }))).toEqual(['write term 1 vote null, 1@1, 2@1']);
    expect(node.sync()).toEqual(['> n2 matched 2 in 1']);
  });

  it('answers a heartbeat at once while its disk is slow, with what is on the disk', () => {
    const node = follower(1);
    node.receive('n2', append(1, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 1)] }));
    expect(node.receive('n2', append(1, { previousIndex: 2, previousTerm: 1 }))).toEqual(['> n2 matched 1 in 1']);
    node.sync();
    expect(node.receive('n2', append(1, { previousIndex: 2, previousTerm: 1 }))).toEqual(['> n2 matched 2 in 1']);
  });

  it('acknowledges a repetition when the first is on disk', () => {
    const node = follower(1);
    const entry = append(1, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 1)] });
    expect(node.receive('n2', entry)).toEqual(['write 2@1']);
    expect(node.receive('n2', entry)).toEqual([]);
    expect(node.sync()).toEqual(['> n2 matched 2 in 1', '> n2 matched 2 in 1']);
    expect(node.receive('n2', entry)).toEqual(['> n2 matched 2 in 1']);
  });

  it('acknowledges nothing for a term that is over by then', () => {
    const node = follower(1);
    node.receive('n2', append(1, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 1)] }));
    node.receive('n3', append(2, { previousIndex: 2, previousTerm: 1 }));
    expect(node.sync()).toEqual(['> n3 matched 1 in 2']);
  });

  it('refuses what does not follow its log, and says where to look', () => {
    const node = follower(1, 2, 2);
    expect(node.receive('n2', append(3, { previousIndex: 5, previousTerm: 2 }))).toEqual(['write term 3 vote null']);
    expect(node.sync()).toEqual(['> n2 matched 0 in 3, try 3@2']);
    expect(node.receive('n2', append(3, { previousIndex: 3, previousTerm: 1 }))).toEqual([
      '> n2 matched 0 in 3, try 1@1',
    ]);
    expect(node.log).toEqual([1, 2, 2]);
  });

  it('counts nothing as matched that is committed and not on its disk, also when it refuses', () => {
    const node = follower(1);
    node.receive('n2', append(1, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 1), noop(3, 1)], commit: 2 }));
    expect(node.receive('n2', append(1, { previousIndex: 7, previousTerm: 1 }))).toEqual([
      '> n2 matched 1 in 1, try 3@1',
    ]);
    node.sync();
    expect(node.receive('n2', append(1, { previousIndex: 7, previousTerm: 1 }))).toEqual([
      '> n2 matched 2 in 1, try 3@1',
    ]);
  });

  it.each([
    [[1, 2], 2, 2, [3], [1, 2, 3]],
    [[1, 2], 1, 1, [3, 4], [1, 3, 4]],
    [[1, 2], 0, 0, [1, 2, 3], [1, 2, 3]],
    [[1, 2], 0, 0, [3], [3]],
    [[1, 2, 2, 2], 1, 1, [2], [1, 2, 2, 2]],
    [[1, 2, 2, 2], 0, 0, [], [1, 2, 2, 2]],
  ])(
    'with the log %j makes of an append after %i@%i of %j the log %j',
    (log, previousIndex, previousTerm, sent, result) => {
      const node = follower(...log);
      const entries = sent.map((term, i) => noop(previousIndex + 1 + i, term));
      const lines = node.receive('n2', append(5, { previousIndex, previousTerm, entries }));
      expect(node.log).toEqual(result);
      const isCut = result.length < log.length || result.some((term, i) => i < log.length && term !== log[i]);
      expect(lines[0]!.includes('truncate')).toBe(isCut);
    },
  );

  it('removes and adds in one write', () => {
    const node = follower(1, 1, 1);
    node.receive('n2', append(2));
    expect(node.receive('n2', append(2, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 2)] }))).toEqual([
      'write truncate 2, 2@2',
    ]);
  });

  it('commits no further than the append has verified (Copycat #265, NuRaft #57)', () => {
    const node = follower(1, 1, 1);
    node.receive('n2', append(2, { previousIndex: 1, previousTerm: 1, commit: 3 }));
    expect(node.status.commit).toBe(1);
    const lines = node.receive(
      'n2',
      append(2, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 2)], commit: 3 }),
    );
    expect(lines).toEqual(['write truncate 2, 2@2']);
    expect(node.status.commit).toBe(2);
    expect(node.sync()).toContain('apply 2@2');
  });

  it('applies what is committed in order and once, when it is also on its own disk', () => {
    const node = follower();
    const entries = [command(1, 1, 'a'), command(2, 1, 'b'), command(3, 1, 'c')];
    expect(node.receive('n2', append(1, { entries, commit: 2 })).some((line) => line.startsWith('apply'))).toBe(false);
    expect(node.sync()).toEqual(['> n2 matched 3 in 1', 'apply 1@1 a, 2@1 b']);
    expect(node.receive('n2', append(1, { entries, commit: 3 }))).toEqual(['> n2 matched 3 in 1', 'apply 3@1 c']);
    expect(node.status.applied).toBe(0);
    node.step({ type: 'applied', index: 2 });
    expect(node.status).toMatchObject({ commit: 3, applied: 2 });
  });

  it('takes a previous entry that is purged for the same (openraft #511)', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], learners: [] };
    const node = new Driven({ term: 2, snapshot: { index: 5, term: 2, configuration }, entries: [noop(6, 2)] });
    const entries = [3, 4, 5, 6, 7].map((index) => noop(index, 2));
    const lines = node.receive('n2', append(2, { previousIndex: 2, previousTerm: 1, entries, commit: 4 }));
    expect(lines).toEqual(['write 7@2']);
    expect(answers(node.sync())).toEqual(['> n2 matched 7 in 2']);
    expect(node.receive('n2', append(2, { previousIndex: 2, previousTerm: 1 }))).toEqual(['> n2 matched 5 in 2']);
  });

  it('ignores what is not of the form', () => {
    const node = follower(1);
    const gap = append(1, { previousIndex: 1, previousTerm: 1, entries: [noop(3, 1)] });
    const future = append(1, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 9)] });
    expect([node.receive('n2', gap), node.receive('n2', future), node.log]).toEqual([[], [], [1]]);
  });
});

describe('a leader', () => {
  const leader = (options: ConstructorParameters<typeof Driven>[0] = {}): Driven => {
    const node = new Driven(options);
    node.lead();
    node.commitFirst();
    return node;
  };

  it('begins its term with an entry of its own, and the first of all writes down the configuration', () => {
    const node = new Driven();
    expect(node.lead()).toEqual([
      'write 1@1, 2@1 [n1,n2,n3]',
      '> n2 append 1 after 0@0 [1@1, 2@1 [n1,n2,n3]] commit 0',
      '> n3 append 1 after 0@0 [1@1, 2@1 [n1,n2,n3]] commit 0',
    ]);
    const next = new Driven({ term: 1, entries: [noop(1, 1), node.core.entryAt(2)!] });
    expect(next.lead()[0]).toBe('write 3@2');
  });

  it('sends entries while it writes them', () => {
    const node = leader();
    expect(node.propose('x')).toEqual([
      'write 3@1 x',
      '> n2 append 1 after 2@1 [3@1 x] commit 2',
      '> n3 append 1 after 2@1 [3@1 x] commit 2',
    ]);
  });

  it('counts itself when its own write is on disk, whoever is faster', () => {
    const slow = leader();
    slow.propose('x', 7);
    expect(slow.acknowledge('n2', 3)).toEqual([]);
    expect(slow.sync()).toContain('settled 7 3');
    const fast = leader();
    fast.propose('x', 7);
    expect(fast.sync()).toEqual([]);
    expect(fast.acknowledge('n2', 3)).toContain('settled 7 3');
    const slowest = leader();
    slowest.propose('x', 7);
    slowest.acknowledge('n2', 3);
    const lines = slowest.acknowledge('n3', 3);
    expect(lines).toContain('settled 7 3');
    expect(lines).not.toContain('apply 3@1 x');
    expect(slowest.sync()).toEqual(['apply 3@1 x']);
  });

  it('alone in its group commits when its write is on disk (etcd #14370)', () => {
    const node = new Driven({ configuration: { voters: ['n1'], learners: [] } });
    node.sync(1);
    node.sync();
    expect(node.propose('x')).toEqual(['write 3@1 x']);
    expect(node.status.commit).toBe(2);
    expect(node.sync()).toEqual(['settled 1 3', 'apply 3@1 x']);
  });

  it('needs a majority for each entry', () => {
    for (const [voters, acknowledging, committed] of [
      [3, ['n2'], true],
      [5, ['n2'], false],
      [5, ['n2', 'n2'], false],
      [5, ['n2', 'n4'], true],
    ] as const) {
      const ids = Array.from({ length: voters }, (_, i) => `n${i + 1}`);
      const node = new Driven({ configuration: { voters: ids, learners: ['n9'] } });
      node.timeOut();
      for (const id of ids.slice(1)) node.receive(id, { kind: 'preVoteAnswer', term: 1, granted: true });
      node.sync();
      for (const id of ids.slice(1)) node.receive(id, { kind: 'voteAnswer', term: 1, granted: true });
      node.sync();
      node.acknowledge('n9', 2);
      for (const id of acknowledging) node.acknowledge(id, 2);
      expect(node.status.commit).toBe(committed ? 2 : 0);
    }
  });

  it('commits all that comes before what it commits', () => {
    const node = leader();
    for (const [i, text] of ['a', 'b', 'c'].entries()) node.propose(text, i + 1);
    node.sync();
    const lines = node.acknowledge('n3', 5);
    expect(lines.filter((line) => !line.startsWith('>'))).toEqual([
      'settled 1 3',
      'settled 2 4',
      'settled 3 5',
      'apply 3@1 a, 4@1 b, 5@1 c',
    ]);
  });

  it('tells the commit at once to who waits for nothing else', () => {
    const node = leader();
    node.propose('x');
    node.sync();
    expect(node.acknowledge('n2', 3)).toContain('> n2 append 1 after 3@1 [] commit 3');
    expect(node.acknowledge('n3', 3)).toEqual(['> n3 append 1 after 3@1 [] commit 3']);
  });

  it('pipelines, within the window, and packs what waited into few appends', () => {
    const node = leader({ limits: { appendsInFlight: 2 } });
    const sent = [1, 2, 3, 4, 5].map((call) => node.propose(`${call}`, call).some((line) => line.startsWith('> n2')));
    expect(sent).toEqual([true, true, false, false, false]);
    expect(node.acknowledge('n2', 3)).toEqual(['> n2 append 1 after 4@1 [5@1 3, 6@1 4, 7@1 5] commit 2']);
  });

  it('sends no more bytes in one append than it may, but always an entry', () => {
    const node = leader({ limits: { appendsInFlight: 1, appendBytes: 60 } });
    node.propose('first', 1);
    for (const call of [2, 3, 4]) node.propose('x'.repeat(10), call);
    node.propose('y'.repeat(500), 5);
    const rounds = [3, 5, 6].map((matched) => node.acknowledge('n2', matched)[0]!.replace(/.*\[|\].*/g, ''));
    expect(rounds.map((entries) => entries.split(', ').length)).toEqual([2, 1, 1]);
    expect(rounds[2]).toContain('yyy');
  });

  it('probes with one append, and backs up by whole terms', () => {
    const node = new Driven({ term: 6, entries: terms(1, 1, 1, 4, 4, 5, 5, 6, 6, 6) });
    expect(node.lead()).toContain('> n2 append 7 after 10@6 [11@7, 12@7 [n1,n2,n3]] commit 0');
    node.propose('x');
    // The follower has 1 1 1 2 2 2 3 3 3 3 3: nothing of terms 2 and 3 can match.
    const answer: AppendAnswer = {
      kind: 'appendAnswer',
      term: 7,
      round: 1,
      matched: 0,
      conflict: { index: 10, term: 3 },
    };
    const [again] = node.receive('n2', answer);
    expect(again).toMatch(/^> n2 append 7 after 3@1 \[4@4, /);
    expect(node.acknowledge('n2', 13)).not.toContainEqual(expect.stringMatching(/^> n2 append .* \[1/));
    expect(node.status.peers[0]).toMatchObject({ id: 'n2', state: 'replicate', matched: 13 });
  });

  it('sends again what was lost, when a heartbeat finds out', () => {
    const node = leader();
    node.propose('x');
    node.sync();
    node.acknowledge('n3', 3);
    const beats = node.pass(50);
    expect(beats).toContain('> n2 append 1 after 3@1 [] commit 3');
    const answer: AppendAnswer = {
      kind: 'appendAnswer',
      term: 1,
      round: 2,
      matched: 0,
      conflict: { index: 2, term: 1 },
    };
    expect(node.receive('n2', answer)).toEqual(['> n2 append 1 after 2@1 [3@1 x] commit 3']);
  });

  it('sends heartbeats, with or without work', () => {
    const node = leader();
    const beats = node.pass(500).filter((line) => line.startsWith('> n2'));
    expect(beats).toEqual(Array(10).fill('> n2 append 1 after 2@1 [] commit 2'));
  });

  it('steps down when no quorum has answered for long, and no sooner', () => {
    const node = leader();
    node.pass(550);
    expect(node.status.role).toBe('leader');
    node.pass(100);
    expect(node.status).toMatchObject({ role: 'follower', term: 1, leader: undefined });
  });

  it('does not take old answers for a sign of life', () => {
    const node = leader();
    for (let i = 0; i < 14; i++) {
      node.pass(50);
      node.acknowledge('n2', 2, 1);
    }
    expect(node.status.role).not.toBe('leader');
  });

  it('keeps leading with one answer in 600 ms', () => {
    const node = leader();
    for (let i = 0; i < 10; i++) {
      node.pass(500);
      node.acknowledge('n3', 2, 1 + 10 * (i + 1));
    }
    expect(node.status.role).toBe('leader');
    expect(node.status.peers.map(({ active }) => active)).toEqual([false, true]);
  });

  it('takes no more proposals than it may hold', () => {
    const node = leader({ limits: { pendingProposals: 2, pendingProposalBytes: 10 } });
    expect([1, 2, 3].map((call) => node.propose('x', call).at(-1))).toEqual([
      expect.stringMatching(/^> n3/),
      expect.stringMatching(/^> n3/),
      'settled 3 OVERLOADED',
    ]);
    node.sync();
    node.acknowledge('n2', 4);
    node.propose('1234567', 4);
    expect(node.propose('1234567', 5)).toEqual(['settled 5 OVERLOADED']);
  });

  it('believes nobody who claims to have more than there is', () => {
    const node = leader();
    node.propose('x');
    node.sync();
    expect(node.acknowledge('n2', 99)).toEqual([]);
    expect(node.status).toMatchObject({ commit: 2, last: 3 });
    expect(node.acknowledge('n2', 3)).toContain('settled 1 3');
  });

  it('leaves in doubt what it had not committed when it is deposed', () => {
    const node = leader();
    node.propose('x', 1);
    const lines = node.receive('n2', append(2, { previousIndex: 2, previousTerm: 1 }));
    expect(lines).toEqual(['write term 2 vote null', 'settled 1 NOT_LEADER']);
    const effects = node.effects({ type: 'propose', call: 2, payload: bytes('y') });
    expect(effects).toMatchObject([
      { type: 'settled', call: 2, outcome: { ok: false, failure: { code: 'NOT_LEADER', details: { leader: 'n2' } } } },
    ]);
  });

  it('survives any nonsense', () => {
    const index = fc.nat(6);
    const message = fc.oneof(
      fc.record({ kind: fc.constant('appendAnswer' as const), term: index, round: index, matched: index }),
      fc.record({
        kind: fc.constant('appendAnswer' as const),
        term: index,
        round: index,
        matched: index,
        conflict: fc.record({ index, term: index }),
      }),
      fc.record({ kind: fc.constant('snapshotAnswer' as const), term: index, round: index, index, nextOffset: index }),
      fc.record({ kind: fc.constant('timeoutNow' as const), term: index }),
      fc.record({ kind: fc.constant('voteAnswer' as const), term: index, granted: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
        const node = leader();
        for (const sent of messages) node.receive('n2', sent);
        expect(node.status.last).toBeGreaterThanOrEqual(node.status.commit);
      }),
      { numRuns: 50 },
    );
  });
});
