import { type Histogram, build } from 'hdr-histogram-js';

/** Latencies in microseconds, up to a minute. */
export function latencies(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
}

export interface Percentiles {
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** In milliseconds. */
export function percentilesOf(histogram: Histogram): Percentiles {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return { p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1000 };
}

/** As numbers by name: `change p50` and so on. */
export function flat(histograms: Record<string, Histogram>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(histograms).flatMap(([of, histogram]) =>
      Object.entries(percentilesOf(histogram)).map(([percentile, value]) => [`${of} ${percentile}`, value]),
    ),
  );
}

export function usSince(startMs: number): number {
  return Math.max(1, Math.round((performance.now() - startMs) * 1000));
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
