import type { Result } from './load.js';
import { page } from './markdown.js';
import type { Measured, Results } from './results.js';

const result = (rate: number): Result => ({
  ...{ metrics: { '64 per second': rate }, operations: 1, missed: 0, serversUs: 1 },
  cores: { servers: 0.5, byServer: {}, load: 0.25 },
});

const MEASURED: Measured = {
  ...{ title: 'Register', measuredAt: '2026-01-01T00:00:00.000Z', command: 'npm run bench -- --workload register' },
  metrics: [{ key: '64 per second', unit: '/s' }],
  goals: [{ metric: '64 per second', of: 'rollcall-3', factor: 2, than: ['etcd'] }],
  rounds: [{ 'rollcall-3': result(100), etcd: result(400) }],
};

const RESULTS: Results = {
  machine: { cores: 2 },
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
    expect(text).toContain('`npm run bench -- --workload register`, rounds: 1, 2026-01-01.');
  });

  it('says so where another is better', () => {
    expect(text).toContain('| etcd | 4.00 (4.00-4.00) |');
    expect(text).toContain('**missed**, 0.25');
  });

  it('shows the plots that could be made', () => {
    expect(plots).toEqual({ 'register-rate.svg': '<svg/>' });
    expect(text).toContain('![Register](benchmarks/register-rate.svg)');
  });
});
