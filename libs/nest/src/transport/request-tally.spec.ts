import type { RequestTally } from './request-tally.js';
import { TestServer } from './test-controller.harness.js';
import { until } from './transport.harness.js';

const observed = ({ durations }: RequestTally): number => durations.counts.reduce((sum, count) => sum + count, 0);

describe('what has been asked', () => {
  const test = new TestServer();
  const of = (pattern?: string): RequestTally => test.server.tallies.of(pattern);
  beforeEach(() => test.start());
  afterEach(() => test.stop());

  it('is timed until the answer begins, by what handles it, and by nothing that a stranger makes up', async () => {
    const connection = await test.connect();
    await Promise.all(Array.from({ length: 5 }, (_, i) => connection.request('echo', i)));
    await connection.request('made.up.1', 1).catch(() => undefined);
    await connection.request('made.up.2', 1).catch(() => undefined);
    expect([observed(of('echo')), observed(of())]).toEqual([5, 2]);
    expect([...test.server.tallies.all()].map(([pattern]) => pattern)).toEqual(['echo', 'unknown']);
  });

  it('is open until it ends, a stream for as long as it is read, and is timed by its first word alone', async () => {
    const connection = await test.connect();
    const items: unknown[] = [];
    connection.stream('subscribe', 1, { next: (item) => items.push(item), error: () => {}, complete: () => {} });
    await until(() => items.length === 1);
    expect([of('subscribe').open, observed(of('subscribe'))]).toEqual([1, 1]);
    await connection.request('echo', 1);
    expect(of('echo').open).toBe(0);
    connection.close();
    await until(() => of('subscribe').open === 0);
    expect(observed(of('subscribe'))).toBe(1);
  });

  it('is timed one time in 16, for all 16, where it is taken past Nest', async () => {
    let taken = 0;
    test.server.direct('direct', () => ++taken > 0);
    const connection = await test.connect();
    for (let i = 0; i < 15; i++) connection.emit('direct', i);
    await until(() => taken === 15);
    expect(observed(of('direct'))).toBe(0);
    for (let i = 0; i < 18; i++) connection.emit('direct', i);
    await until(() => taken === 33);
    expect([observed(of('direct')), of('direct').counts.get('OK')]).toEqual([32, 33]);
  });
});
