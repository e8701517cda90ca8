import { readFileSync } from 'node:fs';

export interface ToldMetric {
  type: string;
  /** Without those of histograms; undefined where there is no sample to see them from. */
  labels: string[] | undefined;
}

/** What `/metrics` tells, by name. */
export function metricsIn(text: string): Map<string, ToldMetric> {
  const metrics = new Map<string, ToldMetric>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? \\S+$`, 'm').exec(text);
    const labels = sample ? [...(sample[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label!).sort() : undefined;
    metrics.set(name!, { type: type!, labels });
  }
  return metrics;
}

export interface DocumentedMetric {
  name: string;
  section: string;
  type: string;
  labels: string[];
  text: string;
}

/** What docs/metrics.md says: one item of a list for each metric. */
export function documentedMetrics(): DocumentedMetric[] {
  const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  return text.split(/^## /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf('\n'));
    return [...part.matchAll(/^- `(\w+)` \((\w+)(?:, by ([^)]*))?\): ((?:.|\n(?! *-|\n))*)/gm)].map(
      ([, name, type, by = '', about]) => ({
        ...{ name: name!, section, type: type!, text: about! },
        labels: [...by.matchAll(/`(\w+)`/g)].map(([, label]) => label!).sort(),
      }),
    );
  });
}
