import type { Result } from './load.js';
import { distributions, figure, goalLine, ratioTable, table, text } from './report.js';
import { FORMAT, type Measured } from './results.js';

const result = (p50: number, missed = 0): Result => ({
  ...{ metrics: { 'change p50': p50 }, operations: 1, missed, serversUs: 1 },
  cores: { servers: 0.5, byServer: {}, load: 0.25 },
});

const MEASURED: Measured = {
  ...{ title: 'One change', without: {}, runs: [] },
  metrics: [{ key: 'change p50', unit: 'ms' }],
  goals: [{ metric: 'change p50', of: 'rollcall-3', factor: 1, than: ['etcd', 'nats'] }],
  rounds: [
    { 'rollcall-3': result(1), etcd: result(2, 3), nats: { failed: 'ended with 1' } },
    { 'rollcall-3': result(2), etcd: result(8), nats: { failed: 'ended with 1' } },
    { 'rollcall-3': result(3), etcd: { failed: 'late' }, nats: { failed: 'ended with 1' } },
  ],
};

describe('a report', () => {
  it('shows medians with their spread, what the cores did, and what was missed', () => {
    expect(table(MEASURED)).toEqual([
      ['', 'change p50 ms', 'cores: servers', 'load', 'missed'],
      ['rollcall-3', '2.00 (1.00-3.00)', '0.50', '0.25', '0'],
      ['etcd (failed 1 of 3 rounds)', '5.00 (2.00-8.00)', '0.50', '0.25', '3'],
      ['nats', 'failed: ended with 1', '', '', ''],
    ]);
  });

  it('counts failures among the rounds of that system, where others had more', () => {
    const more = { ...MEASURED, rounds: [...MEASURED.rounds, { 'rollcall-3': result(4) }] };
    expect(table(more).map(([system]) => system)).toContain('etcd (failed 1 of 3 rounds)');
  });

  it('compares round by round', () => {
    expect(ratioTable(MEASURED)).toEqual([
      ['times rollcall-3', 'change p50'],
      ['etcd', '3.00 (2.00-4.00)'],
      ['nats', '-'],
    ]);
    expect(ratioTable(MEASURED, 'floor')).toEqual([]);
  });

  it('says of each goal whether it is met, and next to whom', () => {
    expect(text({ format: FORMAT, machine: {}, systems: {}, skipped: {}, workloads: { one: MEASURED } })).toContain(
      'rollcall-3: change p50 at most 1.00 times that of every one of etcd, nats: met, 0.38 (etcd)',
    );
    const goal = { metric: 'change p99', of: 'rollcall', factor: 1_000 } as const;
    const judgement = { isMore: false, isMet: false, unit: 'ms', other: undefined, reached: undefined } as const;
    expect(goalLine({ ...goal, ...judgement })).toBe('rollcall: change p99 at most 1,000 ms: not measured');
  });

  it('puts the samples of all rounds together, and judges by their percentiles', () => {
    const round = (...kills: number[]): Result => ({ ...result(1), samples: { 'leader push': kills } });
    const goal = { metric: 'leader push', of: 'rollcall-3', percent: 99, factor: 25 } as const;
    const rounds: Measured['rounds'] = [
      { 'rollcall-3': round(10, 30) },
      { 'rollcall-3': round(20) },
      { etcd: result(1) },
    ];
    const measured: Measured = { ...MEASURED, goals: [goal], rounds };
    expect(distributions(measured)).toEqual([
      ['', 'ms', 'times', 'p50', 'p90', 'p99', 'max'],
      ['rollcall-3', 'leader push', '3', '20.0', '30.0', '30.0', '30.0'],
    ]);
    expect(distributions(MEASURED)).toEqual([]);
    expect(text({ format: FORMAT, machine: {}, systems: {}, skipped: {}, workloads: { one: measured } })).toContain(
      'rollcall-3: leader push p99 at most 25.0 ms: MISSED, 30.0',
    );
  });

  it('counts what was missed in all rounds', () => {
    const goal = { metric: 'missed', of: 'rollcall-3', factor: 0 } as const;
    const judge = (...missed: number[]): string =>
      text({
        ...{ format: FORMAT, machine: {}, systems: {}, skipped: {} },
        workloads: { one: { ...MEASURED, goals: [goal], rounds: missed.map((n) => ({ 'rollcall-3': result(1, n) })) } },
      });
    expect(judge(0, 0)).toContain('rollcall-3: missed at most 0: met, 0');
    expect(judge(0, 2)).toContain('rollcall-3: missed at most 0: MISSED, 2.00');
    expect(judge()).toContain('rollcall-3: missed at most 0: not measured');
  });

  it.each([
    [0, '0'],
    [12_345.6, '12,346'],
    [12.345, '12.3'],
    [1.2345, '1.23'],
    [0.0123, '0.012'],
  ])('writes %d as %s', (value, expected) => {
    expect(figure(value)).toBe(expected);
  });
});
