import { Histogram, type Metric, type MetricValueWithName } from 'prom-client';

/** What has been observed elsewhere, in milliseconds: of each bound how many are above the one before it and not above it. */
export interface Observed {
  readonly boundsMs: readonly number[];
  /** One more than bounds, for what is above all. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

type Value = MetricValueWithName<string>;

/** A histogram in seconds, as Prometheus has them, of what is observed elsewhere; one for each value of a label. */
export function histogramsOf(
  name: string,
  help: string,
  labelName: string,
  read: () => Readonly<Record<string, Observed>> | undefined,
): Metric {
  return new ReadHistogram(name, help, labelName, read);
}

/** One of them, without a label. */
export function histogramOf(name: string, help: string, read: () => Observed | undefined): Metric {
  return new ReadHistogram(name, help, undefined, () => {
    const observed = read();
    return observed && { '': observed };
  });
}

class ReadHistogram extends Histogram {
  constructor(
    private readonly id: string,
    private readonly about: string,
    private readonly labelName: string | undefined,
    private readonly read: () => Readonly<Record<string, Observed>> | undefined,
  ) {
    super({ name: id, help: about, labelNames: labelName === undefined ? [] : [labelName], registers: [] });
  }

  /** What is asked for as JSON. The base's would look for labels that buckets share, which there are none of here. */
  override get(): ReturnType<Histogram['get']> {
    return this.getForPromString() as ReturnType<Histogram['get']>;
  }

  /** What is asked for as text. */
  async getForPromString(): Promise<object> {
    const values = Object.entries(this.read() ?? {}).flatMap(([label, observed]) => this.valuesOf(label, observed));
    return { name: this.id, help: this.about, type: 'histogram', aggregator: 'sum', values };
  }

  private valuesOf(label: string, { boundsMs, counts, sumMs }: Observed): Value[] {
    const labels = this.labelName === undefined ? {} : { [this.labelName]: label };
    let total = 0;
    const buckets = counts.map((count, i): Value => {
      const boundMs = boundsMs[i];
      total += count;
      const le = boundMs === undefined ? '+Inf' : boundMs / 1000;
      return { metricName: `${this.id}_bucket`, labels: { le, ...labels }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${this.id}_sum`, labels, value: sumMs / 1000 },
      { metricName: `${this.id}_count`, labels, value: total },
    ];
  }
}
