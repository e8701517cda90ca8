import { Group } from './group.harness.js';

/** Of MIT's course 6.824, lab 2C: what comes back after crashes. */
const FIVE = ['n1', 'n2', 'n3', 'n4', 'n5'];

/** Proposes to whoever leads until it is done. */
function agree(group: Group, text: string): void {
  for (let attempt = 0; attempt < 20; attempt++) {
    group.until(() => group.leader !== undefined);
    if (group.settle(group.propose(text)).ok) return;
  }
  throw new Error(`${text} was never agreed on.`);
}

const others = (group: Group, ...without: string[]): string[] => group.running.filter((id) => !without.includes(id));

/** What each that runs has applied, once all have applied the last; what was proposed again may be there twice. */
function applied(group: Group, last: string): string[][] {
  group.until(() => group.running.every((id) => group.member(id).state.at(-1) === last));
  return group.running.map((id) => [...new Set(group.member(id).state)]);
}

describe('a group of five', () => {
  it('goes on however its members restart by turns (persist 2)', () => {
    const group = new Group(FIVE);
    const expected: string[] = [];
    const agreed = (text: string): void => {
      agree(group, text);
      expected.push(text);
    };
    for (let turn = 0; turn < 5; turn++) {
      agreed(`${turn} all`);
      const leader = group.leader!;
      const first = FIVE.indexOf(leader);
      const [a, b, c, d] = [1, 2, 3, 4].map((step) => FIVE[(first + step) % 5]!);
      for (const id of [a!, b!]) group.crash(id);
      agreed(`${turn} three`);
      // Now those three go, and the two that lack an entry come back: with one that has it they are a quorum.
      for (const id of [leader, c!, d!]) group.crash(id);
      for (const id of [a!, b!]) group.start(id);
      group.run(1_000);
      expect(group.leader).toBeUndefined();
      group.start(d!);
      agreed(`${turn} others`);
      for (const id of [leader, c!]) group.start(id);
      group.run(100);
    }
    agreed('last');
    expect(applied(group, 'last')).toEqual(Array(5).fill(expected));
  });

  it('keeps what was acknowledged when all lose power at once, again and again', () => {
    const group = new Group(FIVE, { seed: 7 });
    const expected: string[] = [];
    for (let turn = 0; turn < 10; turn++) {
      agree(group, `${turn}`);
      expected.push(`${turn}`);
      for (const id of FIVE) group.crash(id);
      for (const id of FIVE) group.start(id);
    }
    agree(group, 'last');
    expect(applied(group, 'last')).toEqual(Array(5).fill([...expected, 'last']));
  });
});

describe('a group of three', () => {
  it('goes on when its leader and a follower restart while the other is away (persist 3)', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const group = new Group(['n1', 'n2', 'n3'], { seed });
      agree(group, 'a');
      const leader = group.leader!;
      const [away, follower] = others(group, leader) as [string, string];
      group.isolate(away);
      agree(group, 'b');
      group.crash(leader);
      group.crash(follower);
      group.heal();
      group.start(leader);
      // The one that was away lacks an entry: of these two only the old leader can lead.
      group.until(() => group.leader !== undefined);
      expect(group.leader).toBe(leader);
      agree(group, 'c');
      group.start(follower);
      agree(group, 'd');
      expect(applied(group, 'd')).toEqual(Array(3).fill(['a', 'b', 'c', 'd']));
    }
  });

  it('takes back a leader that crashed with entries nobody else has', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    agree(group, 'a');
    group.run(100);
    const old = group.leader!;
    group.isolate(old);
    for (const text of ['x', 'y', 'z']) group.propose(text, old);
    group.run(20);
    expect(group.disk(old).entries.length).toBeGreaterThan(5);
    group.crash(old);
    agree(group, 'b');
    group.heal();
    group.start(old);
    agree(group, 'c');
    expect(applied(group, 'c')).toEqual(Array(3).fill(['a', 'b', 'c']));
    expect(group.log(old)).not.toMatch(/[xyz]/);
  });
});
