import { append, Driven } from './core.harness.js';
import { Group } from './group.harness.js';

const leader = (): Driven => {
  const node = new Driven();
  node.lead();
  node.commitFirst();
  return node;
};

describe('a transfer of leadership', () => {
  it('asks a target that has everything to stand at once', () => {
    const node = leader();
    expect(node.step({ type: 'transfer', call: 1, to: 'n2' })).toEqual(['> n2 timeoutNow 1']);
  });

  it('lets the target catch up first, and everything be committed, while nothing new is proposed', () => {
    const node = leader();
    node.propose('x', 1);
    expect(node.step({ type: 'transfer', call: 2, to: 'n2' })).toEqual([]);
    expect(node.propose('y', 3)).toEqual(['settled 3 NOT_LEADER']);
    expect(node.step({ type: 'change', call: 4, change: { type: 'remove', node: 'n3' } })).toEqual([
      'settled 4 NOT_LEADER',
    ]);
    expect(node.acknowledge('n2', 3)).toEqual([]);
    expect(node.sync()).toEqual([
      '> n2 append 1 after 3@1 [] commit 3',
      '> n2 timeoutNow 1',
      'settled 1 3',
      'apply 3@1 x',
    ]);
  });

  it('makes the target ask for votes without PreVote, and with the reason', () => {
    const node = new Driven();
    node.receive('n2', append(1));
    node.sync();
    expect(node.receive('n2', { kind: 'timeoutNow', term: 1 })).toEqual(['write term 2 vote n1']);
    expect(node.sync()).toEqual(['> n2 vote 2 last 0@0 transfer', '> n3 vote 2 last 0@0 transfer']);
  });

  it('is obeyed by no learner, and from nobody but the leader', () => {
    const learner = new Driven({ configuration: { voters: ['n2'], learners: ['n1'] } });
    learner.receive('n2', append(1));
    expect(learner.receive('n2', { kind: 'timeoutNow', term: 1 })).toEqual([]);
    const node = new Driven();
    node.receive('n2', append(1));
    expect(node.receive('n3', { kind: 'timeoutNow', term: 1 })).toEqual([]);
  });

  it('has succeeded when the target leads', () => {
    const node = leader();
    node.step({ type: 'transfer', call: 1, to: 'n2' });
    node.receive('n2', { kind: 'vote', term: 2, lastIndex: 2, lastTerm: 1, transfer: true });
    expect(node.status.role).toBe('follower');
    expect(node.receive('n2', append(2, { previousIndex: 2, previousTerm: 1 }))).toContain('settled 1 2');
  });

  it('has failed when another leads', () => {
    const node = leader();
    node.step({ type: 'transfer', call: 1, to: 'n2' });
    expect(node.receive('n3', append(2, { previousIndex: 2, previousTerm: 1 }))).toContain('settled 1 NOT_LEADER');
  });

  it('is given up in time, and proposals are taken again', () => {
    const node = leader();
    node.step({ type: 'transfer', call: 1, to: 'n2' });
    expect(node.propose('x', 2)).toEqual(['settled 2 NOT_LEADER']);
    const lines: string[] = [];
    for (let round = 1; round < 25; round++) {
      lines.push(...node.pass(50));
      node.acknowledge('n3', 2, round + 1);
    }
    expect(lines).toContain('settled 1 DEADLINE_EXCEEDED');
    expect(node.propose('y', 3)[0]).toBe('write 3@1 y');
  });

  it('is given up also by a leader that has stepped down meanwhile', () => {
    const node = leader();
    node.step({ type: 'transfer', call: 1, to: 'n2' });
    expect(node.pass(1_100)).toContain('settled 1 DEADLINE_EXCEEDED');
  });

  it('has failed when the leader has to step down and is elected again before the target is', () => {
    const node = leader();
    node.step({ type: 'transfer', call: 1, to: 'n2' });
    node.receive('n3', { kind: 'appendAnswer', term: 2, round: 1, matched: 0 });
    expect(node.status.role).toBe('follower');
    const lines = node.pass(600);
    lines.push(...node.receive('n3', { kind: 'preVoteAnswer', term: node.status.term + 1, granted: true }));
    lines.push(...node.sync());
    expect(lines).not.toContain('settled 1 NOT_LEADER');
    expect(node.receive('n3', { kind: 'voteAnswer', term: node.status.term, granted: true })).toContain(
      'settled 1 NOT_LEADER',
    );
    expect(node.status.role).toBe('leader');
  });

  it('is refused to who cannot lead, and one at a time', () => {
    const node = leader();
    expect(node.step({ type: 'transfer', call: 1, to: 'n9' })).toEqual(['settled 1 BAD_REQUEST']);
    expect(node.step({ type: 'transfer', call: 2, to: 'n1' })).toEqual(['settled 2 2']);
    node.step({ type: 'transfer', call: 3, to: 'n2' });
    expect(node.step({ type: 'transfer', call: 4, to: 'n3' })).toEqual(['settled 4 PENDING']);
    expect(new Driven().step({ type: 'transfer', call: 5, to: 'n2' })).toEqual(['settled 5 NOT_LEADER']);
  });

  it('under load takes some round trips and fails no proposal that was taken', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const group = new Group(['n1', 'n2', 'n3'], { seed });
      const old = group.elect();
      const to = group.running.find((id) => id !== old)!;
      group.run(100);
      const calls = Array.from({ length: 50 }, (_, i) => group.propose(`${i}`));
      const beganMs = group.nowMs;
      expect(group.settle(group.transfer(to)).ok).toBe(true);
      expect(group.leader).toBe(to);
      expect(group.nowMs - beganMs).toBeLessThan(50);
      expect(calls.map((call) => typeof group.outcome(call))).toEqual(Array(50).fill('number'));
    }
  });

  it('to a node that is cut off leaves the leader in place', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const away = group.running.find((id) => id !== leader)!;
    group.isolate(away);
    expect(group.settle(group.transfer(away)).ok).toBe(false);
    expect(group.leader).toBe(leader);
    expect(group.settle(group.propose('x')).ok).toBe(true);
  });
});
