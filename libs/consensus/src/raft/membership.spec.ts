import { Driven, terms } from './core.harness.js';
import { Group } from './group.harness.js';

const code = (group: Group, call: number): string | number | undefined => {
  group.settle(call);
  return group.outcome(call);
};
const voters = (group: Group, id = group.leader!): string[] => group.status(id).configuration.voters;

/** As an operator would: asked again until it is no longer refused because of the moment. */
function changed(group: Group, ...change: Parameters<Group['change']>): void {
  for (let attempt = 0; attempt < 100; attempt++) {
    group.until(() => group.leader !== undefined);
    const outcome = group.settle(group.change(...change));
    if (outcome.ok) return;
    if (!['NOT_READY', 'PENDING', 'NOT_LEADER'].includes(outcome.failure.code))
      throw new Error(outcome.failure.message);
    group.run(50);
  }
  throw new Error(`The change ${change.join(' ')} was never made.`);
}

describe('the members of a group', () => {
  it('are joined by a learner, which gets the log and has no vote', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    group.elect();
    group.settle(group.propose('x'));
    group.start('n4');
    changed(group, 'addLearner', 'n4');
    group.run(200);
    expect(group.member('n4').state).toEqual(['x']);
    expect(group.status('n4')).toMatchObject({ role: 'learner', leader: group.leader });
    for (const id of group.running) if (id !== 'n4' && id !== group.leader) group.crash(id);
    const stuck = group.propose('y');
    group.run(500);
    expect(group.outcome(stuck)).toBeUndefined();
    group.run(1_000);
    expect(group.outcome(stuck)).toBe('NOT_LEADER');
  });

  it('are joined by a voter through a joint configuration', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    group.elect();
    group.start('n4');
    changed(group, 'addLearner', 'n4');
    group.run(200);
    changed(group, 'promote', 'n4');
    group.run(200);
    expect(group.log('n4')).toContain('[n1,n2,n3+n4] 4@1 [n1,n2,n3,n4|n1,n2,n3] 5@1 [n1,n2,n3,n4]');
    expect(voters(group, 'n4')).toEqual(['n1', 'n2', 'n3', 'n4']);
  });

  it('are joined only by who has caught up', () => {
    const group = new Group(['n1', 'n2', 'n3'], { limits: { catchUpEntries: 2 } });
    const leader = group.elect();
    group.start('n4');
    changed(group, 'addLearner', 'n4');
    group.run(100);
    group.isolate('n4');
    for (let i = 0; i < 4; i++) group.settle(group.propose(`${i}`));
    const behind = group.settle(group.change('promote', 'n4'));
    expect(behind).toMatchObject({
      failure: { code: 'NOT_READY', message: expect.stringMatching(/lacks 4/) as string },
    });
    group.run(1_000);
    const silent = group.settle(group.change('promote', 'n4'));
    expect(silent).toMatchObject({ failure: { message: expect.stringMatching(/does not answer/) as string } });
    expect(voters(group, leader)).toEqual(['n1', 'n2', 'n3']);
    group.heal();
    group.run(200);
    changed(group, 'promote', 'n4');
  });

  it('are left by a follower, which learns of it and disturbs nobody', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const leaving = group.running.find((id) => id !== leader)!;
    changed(group, 'remove', leaving);
    group.run(3_000);
    expect(voters(group)).not.toContain(leaving);
    expect(group.status(leaving)).toMatchObject({ role: 'learner', commit: group.status(leader).commit });
    expect(group.elections).toHaveLength(1);
    expect(group.status(leader).peers.map(({ id }) => id)).not.toContain(leaving);
  });

  it('are left by one that does not hear of it, and still disturbs nobody', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const leaving = group.running.find((id) => id !== leader)!;
    group.run(100);
    group.isolate(leaving);
    changed(group, 'remove', leaving);
    group.heal();
    group.run(5_000);
    expect(group.elections).toHaveLength(1);
    expect(group.settle(group.propose('x')).ok).toBe(true);
  });

  it('are left by the leader, once that is committed, and another takes over at once', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const group = new Group(['n1', 'n2', 'n3'], { seed });
      const leader = group.elect();
      group.run(100);
      group.settle(group.propose('x'));
      const call = group.change('remove', leader);
      group.settle(call);
      expect(group.outcome(call)).toEqual(expect.any(Number));
      const sinceMs = group.nowMs;
      expect(group.status(leader).role).toBe('learner');
      group.until(() => group.leader !== undefined);
      expect(group.nowMs - sinceMs).toBeLessThan(50);
      group.settle(group.propose('y'));
      group.run(100);
      expect(group.member(group.leader!).state).toEqual(['x', 'y']);
      expect(voters(group)).toHaveLength(2);
    }
  });

  it('can be replaced: a dead one by a new one with an empty disk', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const dead = group.running.find((id) => id !== leader)!;
    group.settle(group.propose('x'));
    group.crash(dead);
    group.run(700);
    group.start('n4');
    changed(group, 'addLearner', 'n4');
    group.run(200);
    changed(group, 'promote', 'n4');
    changed(group, 'remove', dead);
    group.crash(group.leader!);
    group.until(() => group.leader !== undefined);
    group.settle(group.propose('y'));
    expect(group.member('n4').state.slice(0, 1)).toEqual(['x']);
    expect(voters(group)).toContain('n4');
  });

  it('can be one, and become three, and one again', () => {
    const group = new Group(['n1']);
    group.elect();
    for (const id of ['n2', 'n3']) {
      group.start(id);
      changed(group, 'addLearner', id);
      group.run(100);
      changed(group, 'promote', id);
    }
    expect(voters(group)).toEqual(['n1', 'n2', 'n3']);
    group.crash('n1');
    group.until(() => group.leader !== undefined);
    group.start('n1');
    group.run(300);
    for (const id of ['n1', 'n2']) {
      group.until(() => group.leader !== undefined);
      changed(group, 'remove', id);
    }
    group.until(() => group.leader === 'n3');
    expect(voters(group)).toEqual(['n3']);
    expect(code(group, group.change('remove', 'n3'))).toMatch(/BAD_REQUEST|NOT_READY/);
  });

  it('are remembered over a restart of all', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    group.elect();
    group.start('n4');
    changed(group, 'addLearner', 'n4');
    group.run(100);
    changed(group, 'promote', 'n4');
    group.run(100);
    for (const id of group.running) group.crash(id);
    for (const id of ['n1', 'n2', 'n3', 'n4']) group.start(id);
    group.until(() => group.leader !== undefined);
    expect(voters(group)).toEqual(['n1', 'n2', 'n3', 'n4']);
  });
});

describe('a membership change', () => {
  const leader = (options: ConstructorParameters<typeof Driven>[0] = {}): Driven => {
    const node = new Driven(options);
    node.lead();
    return node;
  };
  const remove = (node: Driven, call: number, of = 'n3'): string[] =>
    node.step({ type: 'change', call, change: { type: 'remove', node: of } });

  it('waits for an entry of the leader’s own term (Ongaro 2015)', () => {
    const node = leader({ term: 1, entries: terms(1, 1) });
    expect(remove(node, 1)).toEqual(['settled 1 NOT_READY']);
    node.commitFirst();
    expect(remove(node, 2)[0]).toBe('write 5@2 [n1,n2|n1,n2,n3]');
  });

  it('waits for the one before it, to its end', () => {
    const node = leader();
    node.commitFirst();
    remove(node, 1);
    expect(remove(node, 2, 'n2')).toEqual(['settled 2 PENDING']);
    node.sync();
    expect(node.acknowledge('n2', 3)[0]).toBe('write 4@1 [n1,n2]');
    expect(remove(node, 3, 'n2')).toEqual(['settled 3 PENDING']);
    node.sync();
    expect(node.acknowledge('n2', 4)).toContain('settled 1 4');
  });

  it('waits for a learner to have something, since it gives no vote before', () => {
    const node = leader();
    node.commitFirst();
    node.step({ type: 'change', call: 1, change: { type: 'addLearner', node: 'n4' } });
    node.sync();
    node.acknowledge('n2', 3);
    const promote = (call: number): string[] =>
      node.step({ type: 'change', call, change: { type: 'promote', node: 'n4' } });
    node.acknowledge('n4', 0);
    expect(promote(2)).toEqual(['settled 2 NOT_READY']);
    node.acknowledge('n4', 1);
    expect(promote(3)[0]).toBe('write 4@1 [n1,n2,n3,n4|n1,n2,n3]');
  });

  it('stays joint until that is committed, not only what was proposed before it', () => {
    const node = leader();
    node.commitFirst();
    node.propose('x');
    remove(node, 2);
    node.sync();
    expect(node.acknowledge('n2', 3)).not.toContainEqual(expect.stringMatching(/^write/));
    expect(node.status).toMatchObject({ commit: 3, last: 4 });
    expect(node.acknowledge('n2', 4)[0]).toBe('write 5@1 [n1,n2]');
  });

  it('needs both majorities while it is joint', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], learners: ['n4'] };
    const node = leader({ configuration });
    node.commitFirst();
    node.acknowledge('n4', 2);
    node.step({ type: 'change', call: 1, change: { type: 'promote', node: 'n4' } });
    node.sync();
    node.acknowledge('n4', 3);
    expect(node.status.commit).toBe(2);
    node.acknowledge('n2', 3);
    expect(node.status.commit).toBe(3);
    node.sync();
    // Of the four voters now in force, n1 and n4 are two.
    node.acknowledge('n4', 4);
    expect(node.status.commit).toBe(3);
    expect(node.acknowledge('n2', 4)).toContain('settled 1 4');
  });

  it('is finished by the next leader, if it got so far', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const group = new Group(['n1', 'n2', 'n3', 'n4'], { seed });
      const old = group.elect();
      group.run(100);
      group.change('remove', old === 'n4' ? 'n1' : 'n4');
      group.run(seed % 7);
      group.crash(old);
      group.until(() => group.leader !== undefined);
      group.start(old);
      group.run(1_000);
      const configurations = group.running.map((id) => group.status(id).configuration);
      const { voters: left, outgoing } = group.status(group.leader!).configuration;
      expect([outgoing, left.length === 3 || left.length === 4]).toEqual([undefined, true]);
      for (const configuration of configurations.filter((of) => of.voters.length === left.length))
        expect(configuration).toEqual(group.status(group.leader!).configuration);
    }
  });

  it('never leaves two leaders, wherever the halves of it are cut', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const group = new Group(['n1', 'n2', 'n3'], { seed });
      group.elect();
      for (const id of ['n4', 'n5']) {
        group.start(id);
        changed(group, 'addLearner', id);
      }
      group.run(100);
      changed(group, 'promote', 'n4');
      group.run(10);
      group.change('promote', 'n5');
      group.run(seed % 5);
      const halves = [
        group.running.filter((_, i) => (seed >> i) & 1),
        group.running.filter((_, i) => !((seed >> i) & 1)),
      ];
      for (const a of halves[0]!) for (const b of halves[1]!) group.cut(a, b);
      const calls = group.running
        .filter((id) => group.status(id).role === 'leader')
        .map((id) => group.propose(`before ${id}`, id));
      group.run(2_000);
      // The harness checks that no term has two leaders, and that all apply the same.
      for (const id of group.running)
        if (group.status(id).role === 'leader') calls.push(group.propose(`cut ${id}`, id));
      group.run(500);
      group.heal();
      group.until(() => group.leader !== undefined && calls.every((call) => group.outcomes.has(call)));
      const { index } = group.settle(group.propose('healed', group.leader!)) as { index: number };
      group.run(500);
      const states = group.running.map((id) => group.member(id).state.join());
      expect(index).toBeGreaterThan(0);
      expect(new Set(states).size).toBe(1);
    }
  });

  it('is refused when the group could not go on after it', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const [dead, alive] = group.running.filter((id) => id !== leader);
    group.crash(dead!);
    group.run(1_000);
    expect(code(group, group.change('remove', alive!))).toBe('NOT_READY');
    changed(group, 'remove', dead!);
    expect(voters(group).toSorted()).toEqual([leader, alive].toSorted());
  });

  it('is for the leader to make, and in doubt when it goes', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const follower = group.running.find((id) => id !== leader)!;
    group.run(100);
    expect(group.settle(group.change('remove', leader, follower))).toMatchObject({
      failure: { code: 'NOT_LEADER', details: { leader } },
    });
    group.isolate(leader);
    expect(code(group, group.change('remove', follower, leader))).toBe('NOT_LEADER');
  });
});
