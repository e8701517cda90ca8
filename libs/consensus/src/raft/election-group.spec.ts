import { Group } from './group.harness.js';

describe('a group', () => {
  it('elects one leader and keeps it', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    group.run(5_000);
    expect(group.elections).toEqual([`1 ${leader}`]);
    for (const id of group.running) expect(group.status(id)).toMatchObject({ term: 1, leader });
  });

  it('elects another when the leader is gone, and the old one follows when it is back', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const first = group.elect();
    group.crash(first);
    group.until(() => group.leader !== undefined);
    const second = group.leader!;
    group.start(first);
    group.run(2_000);
    expect(group.elections).toEqual([`1 ${first}`, `2 ${second}`]);
    expect(group.status(first)).toMatchObject({ role: 'follower', leader: second });
  });

  it('needs one election after the death of a leader, nearly always', () => {
    for (const ids of [
      ['n1', 'n2', 'n3'],
      ['n1', 'n2', 'n3', 'n4', 'n5'],
    ]) {
      let disputed = 0;
      for (let seed = 1; seed <= 100; seed++) {
        const group = new Group(ids, { seed });
        const { term } = group.status(group.elect());
        group.run(100 + seed);
        group.crash(group.leader!);
        group.until(() => group.leader !== undefined);
        if (group.status(group.leader!).term > term + 1) disputed++;
      }
      expect(disputed).toBeLessThan(10);
    }
  });

  it('has no leader without a quorum, and soon has one with it', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const first = group.elect();
    const [other] = group.running.filter((id) => id !== first);
    group.isolate(first);
    group.isolate(other!);
    group.run(5_000);
    expect(group.leader).toBeUndefined();
    expect(group.running.map((id) => group.status(id).term)).toEqual([1, 1, 1]);
    group.heal();
    group.until(() => group.leader !== undefined, 1_500);
  });

  it('comes through many elections', () => {
    const group = new Group(['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7']);
    for (let turn = 0; turn < 20; turn++) {
      group.elect();
      for (let cut = 0; cut < 3; cut++) group.isolate(`n${1 + ((turn * 3 + cut * 5) % 7)}`);
      group.until(() => group.leader !== undefined && group.running.length > 0);
      group.run(700);
      group.heal();
      group.run(300);
    }
    group.elect();
    expect(group.settle(group.propose('x')).ok).toBe(true);
    expect(group.elections.length).toBeGreaterThan(10);
  });

  it('is not disturbed by a node that was cut off and returns', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const lonely = group.running.find((id) => id !== leader)!;
    group.isolate(lonely);
    group.run(10_000);
    group.heal();
    group.run(2_000);
    expect(group.elections).toEqual([`1 ${leader}`]);
  });

  it('is not disturbed by a node that can send but not receive, or reaches only some (Cloudflare 2020)', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const group = new Group(['n1', 'n2', 'n3'], { seed });
      const leader = group.elect();
      const [deaf, other] = group.running.filter((id) => id !== leader);
      group.cutOneWay(leader, deaf!);
      group.run(10_000);
      expect(group.elections).toEqual([`1 ${leader}`]);
      group.cut(leader, deaf!);
      group.run(10_000);
      expect(group.elections).toEqual([`1 ${leader}`]);
      expect(group.settle(group.propose('x')).ok).toBe(true);
      expect(group.status(other!).leader).toBe(leader);
    }
  });

  it('replaces a leader that can send but not receive', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    for (const id of group.running) if (id !== leader) group.cutOneWay(id, leader);
    group.until(() => group.leader !== undefined && group.leader !== leader, 3_000);
    expect(group.settle(group.propose('x')).ok).toBe(true);
  });

  it('frees a node that got stuck in a later term', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const stuck = group.running.find((id) => id !== leader)!;
    group.crash(stuck);
    group.disk(stuck).term = 9;
    group.start(stuck);
    group.until(() => group.leader !== undefined && group.status(group.leader).term > 9);
    group.run(300);
    expect(group.running.map((id) => group.status(id).leader)).toEqual(Array(3).fill(group.leader));
  });

  it.each(['leader', 'follower', 'everybody'])('elects nobody because of 200 ms in which %s stands still', (who) => {
    for (let seed = 1; seed <= 10; seed++) {
      const group = new Group(['n1', 'n2', 'n3'], { seed, syncMs: 100 });
      const leader = group.elect();
      for (let turn = 0; turn < 20; turn++) {
        for (const id of group.running) {
          if (who === 'everybody' || (id === leader) === (who === 'leader')) group.stall(id, 200);
        }
        group.propose(`${turn}`, leader);
        group.run(331);
      }
      expect(group.elections).toHaveLength(1);
    }
  });
});
