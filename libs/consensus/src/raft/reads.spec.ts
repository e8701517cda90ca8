import { append, Driven, terms } from './core.harness.js';
import { Group } from './group.harness.js';

const leader = (options: ConstructorParameters<typeof Driven>[0] = {}): Driven => {
  const node = new Driven(options);
  node.lead();
  node.commitFirst();
  return node;
};
const settled = (lines: string[]): string[] => lines.filter((line) => line.startsWith('settled'));

describe('a linearizable read', () => {
  it('is answered with the commit at its beginning, once a majority has answered a round begun after it', () => {
    const node = leader();
    const asked = node.step({ type: 'read', call: 1 });
    expect(asked).toEqual(['> n2 append 1 after 2@1 [] commit 2', '> n3 append 1 after 2@1 [] commit 2']);
    expect(settled(node.acknowledge('n2', 2, 1))).toEqual([]);
    expect(settled(node.acknowledge('n2', 2, 2))).toEqual(['settled 1 2']);
  });

  it('is confirmed by no answer to a round before it, also one that was repeated or late (etcd/raft #397)', () => {
    const node = leader();
    node.step({ type: 'read', call: 1 });
    node.acknowledge('n2', 2, 2);
    node.step({ type: 'read', call: 2 });
    for (let again = 0; again < 3; again++) expect(settled(node.acknowledge('n2', 2, 2))).toEqual([]);
    expect(settled(node.acknowledge('n3', 2, 2))).toEqual([]);
    expect(settled(node.acknowledge('n3', 2, 3))).toEqual(['settled 2 2']);
  });

  it('shares the next round with others that come while one is under way', () => {
    const node = leader();
    node.step({ type: 'read', call: 1 });
    expect(node.step({ type: 'read', call: 2 })).toEqual([]);
    expect(node.step({ type: 'read', call: 3 })).toEqual([]);
    expect(node.acknowledge('n3', 2, 2)).toEqual([
      '> n2 append 1 after 2@1 [] commit 2',
      '> n3 append 1 after 2@1 [] commit 2',
      'settled 1 2',
    ]);
    expect(settled(node.acknowledge('n3', 2, 3))).toEqual(['settled 2 2', 'settled 3 2']);
  });

  it('is asked again with every heartbeat until a majority is back', () => {
    const node = leader();
    node.step({ type: 'read', call: 1 });
    node.pass(120);
    expect(settled(node.acknowledge('n2', 2, 4))).toEqual(['settled 1 2']);
  });

  it('waits until the leader has committed an entry of its term', () => {
    const node = new Driven({ term: 1, entries: terms(1, 1) });
    node.lead();
    expect(node.step({ type: 'read', call: 1 })).toEqual([]);
    expect(settled(node.acknowledge('n2', 2))).toEqual([]);
    // Nor do heartbeats confirm it before.
    node.pass(100);
    expect(settled(node.acknowledge('n2', 2, 3))).toEqual([]);
    expect(node.acknowledge('n2', 4)).toContain('> n2 append 2 after 4@2 [] commit 4');
    expect(settled(node.acknowledge('n2', 4, 4))).toEqual(['settled 1 4']);
  });

  it('does not count learners', () => {
    const node = leader({ configuration: { voters: ['n1', 'n2', 'n3'], learners: ['n4', 'n5'] } });
    node.step({ type: 'read', call: 1 });
    expect(settled([...node.acknowledge('n4', 2, 2), ...node.acknowledge('n5', 2, 2)])).toEqual([]);
  });

  it('is answered at once in a group of one', () => {
    const node = new Driven({ configuration: { voters: ['n1'], learners: [] } });
    node.sync();
    node.step({ type: 'read', call: 1 });
    expect(settled(node.sync())).toEqual(['settled 1 2']);
    expect(node.step({ type: 'read', call: 2 })).toEqual(['settled 2 2']);
  });

  it('is for the leader to answer', () => {
    const node = new Driven();
    node.receive('n2', append(1));
    expect(node.effects({ type: 'read', call: 1 })).toMatchObject([
      { type: 'settled', call: 1, outcome: { ok: false, failure: { code: 'NOT_LEADER', details: { leader: 'n2' } } } },
    ]);
  });

  it('is refused when too many wait, and failed when the leader goes', () => {
    const node = leader({ limits: { pendingReads: 2 } });
    node.step({ type: 'read', call: 1 });
    node.step({ type: 'read', call: 2 });
    expect(node.step({ type: 'read', call: 3 })).toEqual(['settled 3 OVERLOADED']);
    expect(settled(node.receive('n2', append(2)))).toEqual(['settled 1 NOT_LEADER', 'settled 2 NOT_LEADER']);
  });

  it('is never answered by a leader that was replaced without knowing it', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const group = new Group(['n1', 'n2', 'n3'], { seed });
      const old = group.elect();
      group.settle(group.propose('old'));
      group.isolate(old);
      group.run(450);
      const calls = [group.read(old)];
      group.until(() => group.leader !== undefined && group.leader !== old);
      group.settle(group.propose('new'));
      if (group.status(old).role === 'leader') calls.push(group.read(old));
      group.heal();
      for (const call of calls) expect(group.settle(call).ok).toBe(false);
    }
  });

  it('is not answered stale by a leader that was paused', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const group = new Group(['n1', 'n2', 'n3'], { seed });
      const old = group.elect();
      group.settle(group.propose('old'));
      group.stall(old, 3_000);
      group.until(() => group.leader !== undefined && group.leader !== old);
      group.settle(group.propose('new'));
      // It has been asked while it was paused, and for all it knows it leads.
      const call = group.read(old);
      expect([group.status(old).role, group.outcome(call)]).toEqual(['leader', undefined]);
      group.run(5_000);
      expect(group.outcome(call)).toBe('NOT_LEADER');
    }
  });
});
