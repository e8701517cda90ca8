import type { Metric } from 'prom-client';
import { EVENTS, EVENT_GROUPS, type EventName, type ServerRole } from '#model';
import type { Logger } from '../host/logger.js';
import { labelled } from './read-metrics.js';

const GROUPS: Record<ServerRole, readonly (keyof typeof EVENT_GROUPS)[]> = {
  meta: ['server', 'meta', 'raft'],
  data: ['server', 'member', 'data'],
  session: ['server', 'member', 'session'],
};

/**
 * How often each event of the table has happened, written or not. Troubles are told from the start, as 0, so that Prometheus
 * sees the first of each as a rise.
 */
export function logMetric(tier: ServerRole, { counts }: Pick<Logger, 'counts'>): Metric {
  const troubles = GROUPS[tier]
    .flatMap((group) => Object.keys(EVENT_GROUPS[group]) as EventName[])
    .filter((event) => EVENTS[event].level !== 'info');
  return labelled(
    {
      type: 'counter',
      name: 'rollcall_log_events_total',
      help: 'Events that were logged at info and above, by level and event, lines that were left out included.',
      labelNames: ['level', 'event'],
    },
    function* () {
      for (const event of new Set([...troubles, ...counts.keys()]))
        yield { labels: { level: EVENTS[event].level, event }, value: counts.get(event) ?? 0 };
    },
  );
}
