import { DataWorld, type TestSession } from './data-world.harness.js';

function operations(session: TestSession, acceptedAtMs: unknown, ...registerIds: string[]): void {
  session.send({
    ...{ kind: 'operations', slot: 0, leaderEpoch: 7, tableEpoch: 5, sequence: 1 },
    operations: registerIds.map((registerId) => session.publishing(registerId, [100, 1, 9])),
    acceptedAtMs: acceptedAtMs as number,
  });
}

describe('when what a leader applies was accepted', () => {
  it('is told with the change, beside when it was applied', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.want();
    operations(s1, world.nowMs - 4, 'a', 'b');
    expect(s2.last('change')).toMatchObject({ upserts: { length: 2 }, times: [world.nowMs - 4, world.nowMs] });
    expect(world.core.applied).toMatchObject({ count: 2, sumMs: 8 });
  });

  it('is not told of what was not told, and of nothing that comes later', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.want();
    for (const acceptedAtMs of [undefined, null, 'soon', NaN]) {
      operations(s1, acceptedAtMs, `a${String(acceptedAtMs)}`);
      expect(s2.last('change')).not.toHaveProperty('times');
    }
    operations(s1, world.nowMs, 'b');
    expect(s2.last('change')).toHaveProperty('times');
    s1.publish('c', [100, 1, 9]);
    expect(s2.last('change')).not.toHaveProperty('times');
    expect(world.core.applied.count).toBe(1);
  });

  it('is not after it was applied, however the clocks are read', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.want();
    operations(s1, world.nowMs + 3, 'a');
    expect(s2.last('change').times).toEqual([world.nowMs, world.nowMs]);
    expect(world.core.applied).toMatchObject({ count: 1, sumMs: 0 });
  });

  it('is told of what had to be reconciled', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.want();
    const held = [s1.publishing('a', [100, 1, 9])];
    const { number } = s1.digest(held);
    s1.send({ kind: 'reconcile', slot: 0, leaderEpoch: 7, number, operations: held, acceptedAtMs: world.nowMs - 900 });
    expect(s2.last('change').times).toEqual([world.nowMs - 900, world.nowMs]);
  });
});
