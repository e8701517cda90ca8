import { Counter, Gauge, type Metric } from 'prom-client';

/** Makes one metric of a number that is read when Prometheus asks for it. */
export type MetricOf<State> = (name: string, help: string, read: (state: State) => number, of?: OfSeveral) => Metric;

/** What becomes of several workers' numbers when one asks for all: they add up, or only the largest means something. */
export type OfSeveral = 'sum' | 'max';

/** Metrics of what `state` answers at the time; 0 while that is nothing. */
export function metricsOf<State>(state: () => State | undefined): {
  gauge: MetricOf<State>;
  /** `read` answers the total. */
  counter: MetricOf<State>;
} {
  return {
    gauge: (name, help, read, aggregator = 'sum') =>
      new Gauge({
        ...{ name, help, aggregator, registers: [] },
        collect(): void {
          this.reset();
          const now = state();
          if (now !== undefined) this.set(read(now));
        },
      }),
    counter: (name, help, read) =>
      new Counter({
        ...{ name, help, registers: [] },
        collect(): void {
          this.reset();
          const now = state();
          if (now !== undefined) this.inc(read(now));
        },
      }),
  };
}
