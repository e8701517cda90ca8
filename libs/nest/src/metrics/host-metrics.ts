import type { Metric } from 'prom-client';
import { labelled, metricsOf } from './read-metrics.js';

/** What was given up that nothing repeats by itself. */
export interface HostDrops {
  /** Links closed, and what waited on them lost, since the peer did not read what was sent to it. */
  link: number;
  /** Effects of a core that could not be performed. */
  effect: number;
}

interface HostState {
  readonly linkCount: number;
  readonly drops: HostDrops;
}

/** What the hosts of all brains tell. @param more what else this tier may drop */
export function hostMetrics(host: HostState, more: () => Readonly<Record<string, number>> = () => ({})): Metric[] {
  const { gauge } = metricsOf(() => host);
  return [
    gauge('rollcall_links', 'Links with other servers that are up.', ({ linkCount }) => linkCount),
    labelled(
      {
        type: 'counter',
        name: 'rollcall_drops_total',
        help: 'What was given up that nothing repeats by itself, by what it was.',
        labelNames: ['what'],
      },
      () => Object.entries({ ...host.drops, ...more() }).map(([what, value]) => ({ labels: { what }, value })),
    ),
  ];
}
