import { AggregatorRegistry, Gauge, type Registry } from 'prom-client';

/** What a worker tells of its metrics, which fits into a message. */
export type MetricsAsJson = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

type Sum = MetricsAsJson[number];

const COUNTS: readonly string[] = ['counter', 'histogram'];

/** 1 of each worker; they add up. */
export function workersServing(): Gauge {
  const gauge = new Gauge({ name: 'rollcall_workers', help: 'Workers that these numbers are of.', registers: [] });
  gauge.set(1);
  return gauge;
}

/** Each metric as it says by its aggregator: the sum, unless it is one of which only the largest means anything. */
export function metricsOfAll(workers: readonly MetricsAsJson[]): Promise<string> {
  return AggregatorRegistry.aggregate([...workers]).metrics();
}

/**
 * What stays of the metrics of workers that have ended: all that they have counted. Without it a total would fall when a worker
 * dies, and Prometheus would take the rest of it for what has happened since.
 */
export function countedByEnded(earlier: unknown, last: unknown): MetricsAsJson {
  const counted = (last as MetricsAsJson).filter(({ type }) => COUNTS.includes(String(type)));
  const registry = AggregatorRegistry.aggregate([(earlier ?? []) as MetricsAsJson, counted]);
  // Its metrics are the sums themselves, so there is nothing to wait for.
  const sums = registry.getMetricsAsArray() as unknown as MetricsAsJson;
  return sums.map(({ name, help, type, aggregator, values }) => ({ name, help, type, aggregator, values }) as Sum);
}
