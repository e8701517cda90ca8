import { type Metric, Registry, collectDefaultMetrics } from 'prom-client';
import { openFilesMetric } from './open-files.js';

/** They walk all sockets and timers of the process, for less than the other metrics tell. */
const TOO_DEAR = [
  ...['nodejs_active_handles', 'nodejs_active_handles_total', 'nodejs_active_requests'],
  ...['nodejs_active_requests_total', 'nodejs_active_resources', 'nodejs_active_resources_total'],
];

let made: Metric[] | undefined;

/**
 * Processor time, memory, file descriptors, garbage collections and the delay of the event loop, as prom-client tells them.
 * They are of the process: where it runs several tiers, each of them tells the same, and it is watched once.
 */
export function processMetrics(): readonly Metric[] {
  made ??= makeProcessMetrics();
  return made;
}

function makeProcessMetrics(): Metric[] {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of TOO_DEAR) registry.removeSingleMetric(name);
  registry.removeSingleMetric('process_open_fds');
  return [...(registry.getMetricsAsArray() as unknown as Metric[]), ...openFilesMetric()];
}
