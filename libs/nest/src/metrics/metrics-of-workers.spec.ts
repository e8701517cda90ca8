import { Registry } from 'prom-client';
import { type MetricsAsJson, countedByEnded, metricsOfAll } from './metrics-of-workers.js';
import { histogramsOf } from './read-histogram.js';
import { metricsOf } from './read-metrics.js';

interface Counts {
  held: number;
  done: number;
  worstMs: number;
}

/** As it comes out of a message to another process. */
async function metricsOfWorker(counts: Counts): Promise<MetricsAsJson> {
  const { gauge, counter } = metricsOf(() => counts);
  const registry = new Registry();
  for (const metric of [
    gauge('held', 'Of the test.', ({ held }) => held),
    gauge('worst', 'Of the test.', ({ worstMs }) => worstMs, 'max'),
    counter('done_total', 'Of the test.', ({ done }) => done),
    histogramsOf('took_seconds', 'Of the test.', 'stage', () => ({
      sent: { boundsMs: [2], counts: [counts.done, 1], sumMs: 500 },
    })),
  ])
    registry.registerMetric(metric);
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as MetricsAsJson;
}

async function valuesOf(workers: readonly MetricsAsJson[]): Promise<Record<string, number>> {
  const lines = (await metricsOfAll(workers)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.replace(/^.* /, ''))]));
}

describe('the metrics of workers', () => {
  it('add up, histograms too, but for those of which only the largest means something', async () => {
    const first = await metricsOfWorker({ held: 3, done: 10, worstMs: 7 });
    const second = await metricsOfWorker({ held: 4, done: 20, worstMs: 5 });
    expect(await valuesOf([first, second])).toEqual({
      held: 7,
      worst: 7,
      done_total: 30,
      'took_seconds_bucket{le="0.002",stage="sent"}': 30,
      'took_seconds_bucket{le="+Inf",stage="sent"}': 32,
      'took_seconds_sum{stage="sent"}': 1,
      'took_seconds_count{stage="sent"}': 32,
    });
  });

  it('keep in their totals what workers had counted that have ended, and nothing else of them', async () => {
    const ended = [
      await metricsOfWorker({ held: 3, done: 10, worstMs: 7 }),
      await metricsOfWorker({ held: 4, done: 20, worstMs: 9 }),
    ];
    const stays = ended.reduce<unknown>(countedByEnded, undefined) as MetricsAsJson;
    const living = await metricsOfWorker({ held: 1, done: 1, worstMs: 2 });
    expect(await valuesOf([living, JSON.parse(JSON.stringify(stays)) as MetricsAsJson])).toMatchObject({
      held: 1,
      worst: 2,
      done_total: 31,
      'took_seconds_count{stage="sent"}': 34,
    });
  });
});
