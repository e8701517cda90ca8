import type { Result } from './load.js';
import { page, sectionsOf } from './markdown.js';
import { FORMAT, type Measured, type Results, type Run } from './results.js';

const result = (rate: number): Result => ({
  ...{ metrics: { '64 per second': rate }, operations: 1, missed: 0, serversUs: 1 },
  cores: { servers: 0.5, byServer: {}, load: 0.25 },
});

const MACHINE = { cores: 2 };
const RUN: Run = {
  ...{ measuredAt: '2026-01-01T00:00:00.000Z', command: 'npm run bench -- --workload register', commit: 'abc' },
  ...{ machine: MACHINE, systems: { etcd: '3.4.23' } },
};
const MEASURED: Measured = {
  ...{ title: 'Register', runs: [RUN], without: { floor: 'it keeps nothing' } },
  metrics: [{ key: '64 per second', unit: '/s' }],
  goals: [{ metric: '64 per second', of: 'rollcall-3', factor: 2, than: ['etcd'] }],
  rounds: [{ 'rollcall-3': result(100), etcd: result(400) }],
};

const RESULTS: Results = {
  ...{ format: FORMAT, machine: MACHINE },
  systems: { etcd: { version: '3.4.23', setup: '3 members' } },
  skipped: { nats: '/usr/sbin/nats-server not found; apt-get install nats-server' },
  workloads: { register: MEASURED },
};

describe('the page of results', () => {
  const { text, plots } = page(RESULTS, (_, unit) => (unit === '/s' ? '<svg/>' : undefined), 'benchmarks');

  it('says what was measured, on what and how, and what was left out', () => {
    expect(text).toContain('- cores: 2');
    expect(text).toContain('- **etcd** 3.4.23: 3 members');
    expect(text).toContain('- **nats** was left out: /usr/sbin/nats-server not found; apt-get install nats-server');
    expect(text).toContain('Rounds: 1.\n\n- `npm run bench -- --workload register`, 2026-01-01, commit abc\n');
    expect(text).toContain('- Without floor: it keeps nothing.');
  });

  it('tells of each run once, how many rounds there are of whom, and on what it was when that was elsewhere', () => {
    const elsewhere = { ...RUN, commit: 'def', machine: { cores: 8 } };
    const rounds = [...MEASURED.rounds, { etcd: result(300) }];
    const register = {
      ...MEASURED,
      rounds,
      runs: [RUN, { ...RUN, measuredAt: '2026-01-02T00:00:00.000Z' }, elsewhere],
    };
    const told = page({ ...RESULTS, workloads: { register } }, () => undefined, 'benchmarks').text;
    expect(told).toContain('Rounds: 1 of rollcall-3; 2 of etcd.');
    expect(told).toContain('register` (2 times), 2026-01-01, 2026-01-02, commit abc\n');
    expect(told).toContain('register`, 2026-01-01, commit def, on 8\n');
  });

  it('says so where another is better', () => {
    expect(text).toContain('| etcd | 4.00 (4.00-4.00) |');
    expect(text).toMatch(/rollcall-3: 64 per second at least 2\.00 times that of etcd \| 0\.25 \| \*\*missed\*\*/);
  });

  it('has a line for every goal there is, of what was not measured too', () => {
    expect(text).toContain('| rollcall: held for each at most 600 bytes |  | not measured |');
    expect(text).toContain('| rollcall-3: leader registration p99 at most 1,500 ms |  | not measured |');
  });

  it('asks for an explanation of what is missed, and keeps the one that is written by hand', () => {
    const place = 'belongs under `## register` in [benchmarks.limits.md](benchmarks.limits.md)';
    expect(text).toContain(place);
    const limits = sectionsOf(
      '# Limits\n\nTo be read by the report.\n\n## register\n\nA write is two hops.\n\n## idle-10k\n',
    );
    expect(limits).toEqual({ register: 'A write is two hops.', 'idle-10k': '' });
    const explained = page(RESULTS, () => undefined, 'benchmarks', limits).text;
    expect(explained).toContain('A write is two hops.');
    expect(explained).not.toContain(place);
  });

  it('shows the plots that could be made', () => {
    expect(plots).toEqual({ 'register-rate.svg': '<svg/>' });
    expect(text).toContain('![Register](benchmarks/register-rate.svg)');
  });
});
