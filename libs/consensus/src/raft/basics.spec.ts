import { Group } from './group.harness.js';

describe('smoke', () => {
  it('elects, replicates, restarts', () => {
    const group = new Group(['n1', 'n2', 'n3']);
    const leader = group.elect();
    const calls = ['a', 'b', 'c'].map((x) => group.propose(x));
    for (const call of calls) expect(group.settle(call).ok).toBe(true);
    group.run(100);
    console.log(group.log('n1'), '|', group.log('n2'), group.elections, group.nowMs, group.logs);
    expect(group.member('n1').state).toEqual(['a', 'b', 'c']);
    expect(group.settle(group.read())).toEqual({ ok: true, index: 5 });
    group.crash(leader);
    group.until(() => group.leader !== undefined && group.leader !== leader);
    console.log(group.elections, group.nowMs);
    group.settle(group.propose('d'));
    group.start(leader);
    group.run(500);
    console.log(group.log(leader), group.elections, group.nowMs);
    group.snapshot(group.leader!);
    group.start('n4');
    console.log(group.settle(group.change('addLearner', 'n4')));
    group.run(100);
    console.log(group.settle(group.change('promote', 'n4')), group.log('n4'));
    console.log(group.settle(group.transfer('n4')), group.elections, group.nowMs);
    console.log(group.settle(group.change('remove', 'n4')), group.elections, group.nowMs);
    group.run(1000);
    console.log(group.settle(group.change('remove', 'n1')), group.elections, group.nowMs, group.log('n4'), group.status('n4'));
    console.log(group.logs);
  });
});
