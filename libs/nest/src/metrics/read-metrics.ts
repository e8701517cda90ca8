import { Counter, Gauge, type Metric } from 'prom-client';

/** Makes one metric of a number that is read when Prometheus asks for it. */
export type MetricOf<State> = (name: string, help: string, read: (state: State) => number, of?: OfSeveral) => Metric;

/** What becomes of several workers' numbers when one asks for all: they add up, or only the worst means something. */
export type OfSeveral = 'sum' | 'max' | 'min';

export interface LabelledValue {
  labels: Readonly<Record<string, string | number>>;
  value: number;
}

export interface LabelledOptions {
  type: 'gauge' | 'counter';
  name: string;
  help: string;
  labelNames: string[];
}

/** One metric of several numbers, told apart by labels, that are read when Prometheus asks for them. */
export function labelled(options: LabelledOptions, read: () => Iterable<LabelledValue>): Metric {
  const { type, name, help, labelNames } = options;
  const common = { name, help, labelNames, registers: [] };
  if (type === 'gauge')
    return new Gauge({
      ...common,
      collect(): void {
        this.reset();
        for (const { labels, value } of read()) this.set(labels, value);
      },
    });
  return new Counter({
    ...common,
    collect(): void {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}

/** The same, by one label. */
export function byLabel(label: string, values: Readonly<Record<string, number>> = {}): LabelledValue[] {
  return Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }));
}

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
