import type { Result } from './load.js';
import { plot } from './plots.js';
import type { Measured } from './results.js';

const result = (p50: number): Result => ({
  ...{ metrics: { 'change p50': p50 }, operations: 1, missed: 0, serversUs: 1 },
  cores: { servers: 0.5, byServer: {}, load: 0.25 },
});

const MEASURED: Measured = {
  ...{ title: 'One change', goals: [], without: {}, runs: [] },
  metrics: [{ key: 'change p50', unit: 'ms' }],
  rounds: [{ rollcall: result(1.25), etcd: result(8.5), nats: { failed: 'late' } }],
};

it('draws every system with its median, and one that failed without', () => {
  const svg = plot(MEASURED, 'ms')!;
  expect(svg).toMatch(/^<svg /);
  for (const expected of ['One change', 'rollcall', 'etcd', 'nats', '1.25', '8.50'])
    expect(svg).toContain(`>${expected}<`);
});

it('draws nothing of a unit that nothing is in', () => {
  expect(plot(MEASURED, '/s')).toBeUndefined();
});
