import type { Result } from './load.js';
import type { Goal } from './plan.js';
import {
  FORMAT,
  type Measured,
  type Results,
  type RoundResult,
  type Run,
  judged,
  merged,
  ratios,
  resultsOf,
  roundsOf,
} from './results.js';

const result = (metrics: Record<string, number>): Result => ({
  ...{ metrics, operations: 1, missed: 0, serversUs: 1 },
  cores: { servers: 0.5, byServer: {}, load: 0.25 },
});

function measured(rounds: Record<string, RoundResult>[], ...goals: Goal[]): Measured {
  return {
    ...{ title: 'T', without: {}, runs: [], rounds, goals },
    metrics: [
      { key: 'change p50', unit: 'ms' },
      { key: '64 per second', unit: '/s' },
    ],
  };
}

describe('ratios', () => {
  it('compares within each round, and leaves out those in which either failed', () => {
    const rounds = [
      { a: result({ 'change p50': 2 }), b: result({ 'change p50': 1 }) },
      { a: result({ 'change p50': 9 }), b: { failed: 'gone' } },
      { a: result({ 'change p50': 30 }), b: result({ 'change p50': 10 }) },
    ];
    expect(ratios(measured(rounds), 'a', 'b', 'change p50')).toEqual([2, 3]);
    expect(resultsOf(measured(rounds), 'b')).toHaveLength(2);
  });

  it('has none where one of them does nothing of the kind', () => {
    const rounds = [{ a: result({ 'meta push p50': 2 }), b: result({}) }];
    expect(ratios(measured(rounds), 'a', 'b', 'meta push p50')).toEqual([]);
  });
});

describe('goals', () => {
  const than = ['etcd', 'nats'];
  const round = (mine: number, etcd: number, nats: number, metric: string): Record<string, RoundResult> => ({
    rollcall: result({ [metric]: mine }),
    etcd: result({ [metric]: etcd }),
    nats: result({ [metric]: nats }),
  });

  it('takes, where less is better, the one that has least to be compared with', () => {
    const goal: Goal = { metric: 'change p50', of: 'rollcall', factor: 1, than };
    expect(judged(measured([round(2, 4, 1, 'change p50')], goal))).toEqual([
      { ...goal, other: 'nats', reached: 2, isMet: false, isMore: false, unit: 'ms' },
    ]);
    expect(judged(measured([round(1, 4, 2, 'change p50')], goal))[0]).toMatchObject({ reached: 0.5, isMet: true });
  });

  it('takes, where more is better, the one that has most', () => {
    const goal: Goal = { metric: '64 per second', of: 'rollcall', factor: 2, than };
    expect(judged(measured([round(300, 100, 200, '64 per second')], goal))).toEqual([
      { ...goal, other: 'nats', reached: 1.5, isMet: false, isMore: true, unit: '/s' },
    ]);
  });

  it('goes by the median of the rounds', () => {
    const goal: Goal = { metric: 'change p50', of: 'rollcall', factor: 1, than: ['etcd'] };
    const rounds = [round(9, 1, 1, 'change p50'), round(1, 2, 1, 'change p50'), round(1, 4, 1, 'change p50')];
    expect(judged(measured(rounds, goal))[0]).toMatchObject({ reached: 0.5, isMet: true });
  });

  it('compares with a bound where there is nobody to compare with', () => {
    const goal: Goal = { metric: 'change p50', of: 'rollcall', factor: 10 };
    expect(judged(measured([round(4, 1, 1, 'change p50')], goal))[0]).toMatchObject({ reached: 4, isMet: true });
  });

  it('is not met by what was not measured', () => {
    const goal: Goal = { metric: 'change p50', of: 'rollcall', factor: 1, than: ['zookeeper'] };
    expect(judged(measured([round(1, 1, 1, 'change p50')], goal))[0]).toMatchObject({
      reached: undefined,
      isMet: false,
    });
  });
});

describe('results beside earlier ones', () => {
  const results = (parts: Partial<Results>): Results => ({
    ...{ format: FORMAT, machine: {} },
    systems: {},
    skipped: {},
    workloads: {},
    ...parts,
  });

  const run = (commit: string, ...systems: string[]): Run => ({
    ...{ measuredAt: '2026-01-01T00:00:00.000Z', command: 'npm run bench', commit, machine: {} },
    systems: Object.fromEntries(systems.map((system) => [system, '1'])),
  });
  const of = (runs: Run[], ...rounds: Record<string, RoundResult>[]): Measured => ({ ...measured(rounds), runs });
  const [first, second, third] = ['1', '2', '3'].map((failed) => ({ failed }));

  it('keeps what was not measured again', () => {
    const [one, two] = [of([run('x', 'a')], { a: first! }), of([run('y', 'a')], { a: second! })];
    const earlier = results({ workloads: { one, two: one } });
    expect(merged(earlier, results({ workloads: { two } })).workloads).toEqual({ one, two });
    expect(merged(undefined, earlier)).toBe(earlier);
  });

  it('replaces in a workload those systems that were measured again, and tells from what each comes', () => {
    const earlier = results({ workloads: { one: of([run('x', 'a', 'b')], { a: first!, b: first! }, { a: first! }) } });
    const newer = results({ workloads: { one: of([run('y', 'a')], { a: second! }, { a: third! }) } });
    const { one } = merged(earlier, newer).workloads;
    expect(one!.rounds).toEqual([{ b: first, a: second }, { a: third }]);
    expect(one!.runs).toEqual([run('x', 'b'), run('y', 'a')]);
    const all = results({ workloads: { one: of([run('z', 'a', 'b')], { a: third!, b: third! }) } });
    expect(merged(earlier, all).workloads['one']!.runs).toEqual([run('z', 'a', 'b')]);
  });

  it('adds rounds behind those that a system has, so that pieces become whole rounds', () => {
    const earlier = results({ workloads: { one: of([run('x', 'a')], { a: first! }, { a: second! }) } });
    const newer = results({ workloads: { one: of([run('y', 'a', 'b')], { b: first!, a: third! }) } });
    const { one } = merged(earlier, newer, true).workloads;
    expect(one!.rounds).toEqual([{ a: first, b: first }, { a: second }, { a: third }]);
    expect(one!.runs).toHaveLength(2);
    expect([roundsOf(one, 'a'), roundsOf(one, 'b'), roundsOf(undefined, 'a')]).toEqual([3, 1, 0]);
  });

  it('no longer says of a system that it was left out when it has been measured', () => {
    const etcd = { version: '3', setup: '' };
    const found = merged(
      results({ skipped: { etcd: 'not found', nats: 'not found' } }),
      results({ systems: { etcd } }),
    );
    expect(found).toMatchObject({ systems: { etcd }, skipped: { nats: 'not found' } });
    expect(found.skipped).not.toHaveProperty('etcd');
  });
});
