import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { MetricsModule } from './metrics.module.js';
import { type Observed, histogramsOf } from './read-histogram.js';
import { perSlot } from './per-slot.js';
import { metricsOf } from './read-metrics.js';

describe('metrics', () => {
  it('are read when they are asked for, and those of one module are no other module’s', async () => {
    let value: number | undefined = 1;
    const { counter } = metricsOf(() => value);
    const counted = (name: string) => MetricsModule.forRoot([counter(name, 'Of the test.', (read) => read)]);
    const [app, other] = await Promise.all(
      ['first_total', 'second_total'].map(async (name) => {
        const module = await Test.createTestingModule({ imports: [counted(name)] }).compile();
        const made = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
        await made.init();
        return made;
      }),
    );
    const lines = async (of: NestFastifyApplication): Promise<string[]> => {
      const { body, headers } = await of.inject({ method: 'GET', url: '/metrics' });
      expect(headers['content-type']).toContain('version=0.0.4');
      return body.trim().split('\n');
    };
    expect(await lines(app!)).toEqual([
      '# HELP first_total Of the test.',
      '# TYPE first_total counter',
      'first_total 1',
    ]);
    value = 2;
    expect((await lines(app!)).at(-1)).toBe('first_total 2');
    expect((await lines(other!)).at(-1)).toBe('second_total 2');
    await Promise.all([app!.close(), other!.close()]);
  });

  it('are 0 while there is nothing to read them from', async () => {
    let state: { held: number } | undefined;
    const gauge = metricsOf(() => state).gauge('held', 'Of the test.', ({ held }) => held);
    const values = async (): Promise<number[]> => (await gauge.get()).values.map(({ value }) => value);
    state = { held: 7 };
    expect(await values()).toEqual([7]);
    state = { held: 3 };
    expect(await values()).toEqual([3]);
    state = undefined;
    expect(await values()).toEqual([0]);
  });

  it('tell of each slot, and of very many only the worst', () => {
    expect(perSlot([[3, 1]])).toEqual([{ labels: { slot: 3 }, value: 1 }]);
    expect(perSlot([])).toEqual([]);
    const many = Array.from({ length: 16_384 }, (_, slot) => [slot, slot % 100] as const);
    expect(perSlot(many)).toEqual([{ labels: { slot: 'worst' }, value: 99 }]);
  });

  it('tell in seconds what was observed in milliseconds, each bucket with those below', async () => {
    let observed: Observed | undefined = { boundsMs: [0.5, 2], counts: [1, 3, 2], sumMs: 1_500 };
    const registry = new Registry();
    registry.registerMetric(
      histogramsOf('took_seconds', 'Of the test.', 'stage', () => observed && { sent: observed }),
    );
    expect((await registry.metrics()).trim().split('\n')).toEqual([
      '# HELP took_seconds Of the test.',
      '# TYPE took_seconds histogram',
      'took_seconds_bucket{le="0.0005",stage="sent"} 1',
      'took_seconds_bucket{le="0.002",stage="sent"} 4',
      'took_seconds_bucket{le="+Inf",stage="sent"} 6',
      'took_seconds_sum{stage="sent"} 1.5',
      'took_seconds_count{stage="sent"} 6',
    ]);
    observed = undefined;
    expect((await registry.metrics()).trim().split('\n')).toHaveLength(2);
  });
});
