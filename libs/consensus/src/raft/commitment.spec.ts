import type { RaftMessage } from './contract.js';
import { append, Driven, noop, terms } from './core.harness.js';
import { Group } from './group.harness.js';

describe('what a client was told', () => {
  it('survives the leader, and half the group', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const group = new Group(['n1', 'n2', 'n3', 'n4', 'n5'], { seed });
      const leader = group.elect();
      const told: string[] = [];
      for (let i = 0; i < 10; i++) group.propose(`${i}`);
      group.run(3);
      for (let call = 1; call <= 10; call++) if (group.outcomes.get(call)?.ok) told.push(`${call - 1}`);
      group.crash(leader);
      const other = group.running[seed % 4]!;
      group.crash(other);
      group.until(() => group.leader !== undefined);
      group.settle(group.propose('end'));
      expect(group.member(group.leader!).state.slice(0, told.length)).toEqual(told);
    }
  });
});

describe('messages wait for the disk', () => {
  it('whatever was not synced is as if it had never been received', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const [follower, other] = group.running.filter((id) => id !== leader);
    group.run(100);
    group.isolate(other!);
    group.pauseDisk(follower!);
    const call = group.propose('x');
    group.run(200);
    expect([group.outcome(call), group.log(follower!)]).toEqual([undefined, expect.stringContaining(' x')]);
    group.restart(follower!);
    expect(group.log(follower!)).not.toContain(' x');
    expect(group.settle(call).ok).toBe(true);
  });

  it('a group in which all sync slowly but one makes progress with the majority', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    group.run(100);
    group.pauseDisk(leader);
    const call = group.propose('x');
    expect(group.settle(call).ok).toBe(true);
    expect(group.member(leader).state).toEqual([]);
    const [follower] = group.running.filter((id) => id !== leader);
    group.pauseDisk(follower!);
    const stuck = group.propose('y');
    group.run(200);
    expect(group.outcome(stuck)).toBeUndefined();
    group.resumeDisk(follower!);
    expect(group.settle(stuck).ok).toBe(true);
    group.resumeDisk(leader);
    group.run(10);
    expect(group.member(leader).state).toEqual(['x', 'y']);
  });

  it('term and vote are one write, wherever they come from (hashicorp #661)', () => {
    const vote: RaftMessage = { kind: 'vote', term: 4, lastIndex: 9, lastTerm: 3 };
    const node = new Driven({ term: 2, vote: 'n3' });
    const writes = node
      .effects({ type: 'received', from: 'n2', message: vote })
      .filter(({ type }) => type === 'persist');
    expect(writes).toEqual([{ type: 'persist', token: 1, hardState: { term: 4, vote: 'n2' } }]);
  });

  it('the term of a new leader and its entries are one write', () => {
    const node = new Driven({ term: 1, entries: terms(1, 1) });
    const message = append(2, { previousIndex: 1, previousTerm: 1, entries: [noop(2, 2)] });
    expect(node.effects({ type: 'received', from: 'n2', message }).filter(({ type }) => type === 'persist')).toEqual([
      { type: 'persist', token: 1, hardState: { term: 2, vote: null }, truncateFrom: 2, entries: [noop(2, 2)] },
    ]);
  });

  it('nothing is handed to the state machine before it is on the disk under it (etcd 3.5)', () => {
    const node = new Driven({ limits: { retainedEntries: 0 } });
    node.receive('n2', append(1, { entries: terms(1, 1, 1), commit: 3 }));
    expect(node.status).toMatchObject({ commit: 3, applied: 0 });
    // A snapshot beyond what was handed out cannot be.
    node.step({ type: 'compacted', meta: { index: 3, term: 1, configuration: { voters: ['n1'], learners: [] } } });
    expect(node.status.first).toBe(1);
    expect(node.sync()).toContain('apply 1@1, 2@1, 3@1');
  });
});
