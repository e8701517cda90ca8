import type { Operation, Traced } from '#model';
import { DataWorld, type TestSession } from './data-world.harness.js';

function operations(session: TestSession, list: Operation[], traces: unknown): unknown {
  session.send({
    ...{ kind: 'operations', slot: 0, leaderEpoch: 7, tableEpoch: 5, sequence: 1 },
    ...{ operations: list, traces: traces as Traced[] },
  });
  return session.last('applied').traced;
}

describe('what is traced of operations', () => {
  it('goes on with the change, and how many session servers are told is answered', () => {
    const world = new DataWorld();
    const [s1, s2, s3] = [world.session('s1'), world.session('s2'), world.session('s3')];
    for (const each of [s2, s3]) each.want();
    const traced = { traceId: 't', registerId: 'b', acceptedAtMs: world.nowMs - 4 };
    const list = ['a', 'b'].map((registerId) => s1.publishing(registerId, [100, 1, 9]));
    const appliedAtMs = world.nowMs;
    expect(operations(s1, list, [traced])).toEqual([{ traceId: 't', appliedAtMs, told: 2 }]);
    for (const each of [s2, s3]) expect(each.last('change').traces).toEqual([{ ...traced, appliedAtMs }]);
    expect(operations(s1, [s1.publishing('c', [100, 1, 9])], undefined)).toBeUndefined();
    expect(s2.last('change')).not.toHaveProperty('traces');
  });

  it('is told to nobody where nobody wants it, or nothing has changed', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    const list = [s1.publishing('a', [100, 1, 9])];
    expect(operations(s1, list, [{ traceId: 't', registerId: 'a' }])).toMatchObject([{ told: 0 }]);
    s2.want();
    expect(operations(s1, list, [{ traceId: 't', registerId: 'a' }])).toMatchObject([{ traceId: 't', told: 0 }]);
    expect(s2.take('change')).toEqual([]);
  });

  it('is superseded by a later word in the same message', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.want();
    const list = [1, 2].map((version) => s1.publishing('a', [100, version, 9]));
    const traces = ['t1', 't2'].map((traceId) => ({ traceId, registerId: 'a' }));
    expect(operations(s1, list, traces)).toMatchObject([
      { traceId: 't1', told: 0 },
      { traceId: 't2', told: 1 },
    ]);
    expect(s2.last('change').traces).toMatchObject([{ traceId: 't2' }]);
  });

  it.each([
    [[]],
    ['t'],
    [[{ traceId: 1, registerId: 'a' }]],
    [[{ traceId: 't', registerId: 'a', acceptedAtMs: 'x' }]],
    [[null]],
  ])('is nothing where it cannot be read: %j', (traces) => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.want();
    operations(s1, [s1.publishing('a', [100, 1, 9])], traces);
    expect(s2.last('change').traces ?? []).toEqual([]);
  });
});
