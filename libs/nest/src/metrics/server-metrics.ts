import type { Metric } from 'prom-client';
import type { ServerHealth } from '../health/server-health.js';
import type { RollcallServer } from '../transport/rollcall-server.js';
import type { HttpTally } from './http-tally.js';
import { histogramOf } from './read-histogram.js';
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
        for (const { pattern, code, count } of server.tallies.all()) yield { labels: { pattern, code }, value: count };
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
