import type { Metric } from 'prom-client';
import type { ServerHealth } from '../health/server-health.js';
import type { RequestTally } from '../transport/request-tally.js';
import type { RollcallServer } from '../transport/rollcall-server.js';
import type { HttpTally } from './http-tally.js';
import { type Observed, histogramOf, histogramsOf } from './read-histogram.js';
import { labelled, metricsOf } from './read-metrics.js';

export interface ServerSources {
  server: RollcallServer;
  http: HttpTally;
  health: ServerHealth;
}

/** What every server tells of what it is asked. */
export function serverMetrics({ server, http, health }: ServerSources): Metric[] {
  const { gauge } = metricsOf(() => server);
  return [
    gauge(
      'rollcall_ready',
      'Whether the server serves: 1 or 0, as /health/ready tells it.',
      () => (health.isReady ? 1 : 0),
      'min',
    ),
    gauge('rollcall_rpc_connections', 'RPC connections, of clients and of servers.', (of) => of.connectionCount),
    labelled(
      {
        type: 'counter',
        name: 'rollcall_rpc_requests_total',
        help: 'Messages over RPC, by their pattern and by what was answered first: OK, or the code of a failure.',
        labelNames: ['pattern', 'code'],
      },
      function* () {
        for (const [pattern, { counts }] of server.tallies.all())
          for (const [code, value] of counts) yield { labels: { pattern, code }, value };
      },
    ),
    histogramsOf(
      'rollcall_rpc_request_duration_seconds',
      'How long messages over RPC take until the answer begins, or until they are done with where there is none, by their pattern.',
      'pattern',
      () => durationsOf(server.tallies.all()),
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_rpc_requests_open',
        help: 'Requests over RPC that have not ended, by their pattern; streams are open for as long as they are read.',
        labelNames: ['pattern'],
      },
      function* () {
        for (const [pattern, { open }] of server.tallies.all()) yield { labels: { pattern }, value: open };
      },
    ),
    labelled(
      {
        type: 'counter',
        name: 'rollcall_http_requests_total',
        help: 'Requests over HTTP that are over, by route, method and status.',
        labelNames: ['route', 'method', 'status'],
      },
      () => http.counts,
    ),
    histogramOf(
      'rollcall_http_request_duration_seconds',
      'How long requests over HTTP take until the answer begins; streams of events are not counted.',
      () => http.took,
    ),
  ];
}

/** Of a pattern that nothing has been asked by nothing is told. */
function durationsOf(tallies: Iterable<[string, RequestTally]>): Record<string, Observed> {
  const asked = [...tallies].filter(([, { durations }]) => durations.counts.some((count) => count > 0));
  return Object.fromEntries(asked.map(([pattern, { durations }]) => [pattern, durations]));
}
