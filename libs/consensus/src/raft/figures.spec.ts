import { Driven, terms } from './core.harness.js';
import { Group } from './group.harness.js';

/** The figures of the Raft paper that show what can go wrong. */
describe('Figure 7', () => {
  it.each([
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('the log of follower (%s) becomes the leader’s', (_, log) => {
    const group = new Group([]);
    for (const [id, ofEntries, term] of [
      ['n1', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], 7],
      ['n2', log, 7],
      ['n3', [], 0],
    ] as const) {
      group.found(id, ['n1', 'n2', 'n3'], { term, entries: terms(...ofEntries) });
    }
    // n1 can have n3's vote, and never n2's where n2's log is longer.
    group.isolate('n2');
    for (const id of ['n1', 'n3', 'n2']) group.start(id);
    group.until(() => group.leader === 'n1');
    group.heal();
    group.settle(group.propose('x', group.elect('n1')));
    group.run(200);
    const expected = group.log(group.leader!);
    expect(group.running.map((id) => group.log(id))).toEqual([expected, expected, expected]);
    expect(expected).toMatch(/^1@1 2@1 3@1 4@4 5@4 6@5 7@5 8@6 9@6 10@6 11@8/);
  });
});

describe('Figure 8', () => {
  it('an entry of an earlier term is not committed by being on a majority', () => {
    const node = new Driven({ term: 3, entries: terms(1, 2) });
    node.lead();
    node.acknowledge('n2', 2);
    expect(node.status.commit).toBe(0);
    node.acknowledge('n2', 3);
    expect(node.status.commit).toBe(3);
  });

  it('so a later leader may replace it, and nobody has applied it', () => {
    const five = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const group = new Group([], { seed: 3 });
    // (b): n5 was elected in term 3 and has an entry that nobody else has; n1 and n2 hold one of term 2.
    for (const id of five) {
      const log = id === 'n5' ? [1, 3] : id === 'n1' || id === 'n2' ? [1, 2] : [1];
      group.found(id, five, { term: 3, entries: terms(...log) });
    }
    // (c): n1 leads again in term 4 and brings entry 2 to n3, but its own entry of term 4 to nobody.
    for (const id of ['n1', 'n2', 'n3']) group.start(id);
    group.dropEntriesOfTerm(4);
    group.until(() => group.leader !== undefined);
    const first = group.leader!;
    group.run(30);
    expect(group.running.map((id) => group.status(id).commit)).toEqual([0, 0, 0]);
    // (d): it crashes, and n5 wins with the votes of those whose last entry is older than its own.
    for (const id of ['n1', 'n2', 'n3']) group.crash(id);
    group.dropEntriesOfTerm(undefined);
    for (const id of ['n3', 'n4', 'n5']) group.start(id);
    group.until(() => group.leader === 'n5', 5_000);
    for (const id of ['n1', 'n2']) group.start(id);
    group.run(500);
    expect(first).not.toBe('n5');
    for (const id of five) expect(group.log(id)).toMatch(/^1@1 2@3 /);
  });
});
