import { Counter, type Metric } from 'prom-client';
import { histogramsOf, metricsOf } from '#nest';
import type { SessionCore } from '#registry';

const PROPAGATION = 'rollcall_propagation_seconds';

/** What a session server tells Prometheus; nothing while it has no core. */
export function sessionMetrics(core: () => SessionCore | undefined): Metric[] {
  const { gauge, counter } = metricsOf(() => core()?.counts);
  const { gauge: clockError } = metricsOf(() => core()?.propagation);
  return [
    gauge('rollcall_client_connections', 'Client connections that are up.', ({ connections }) => connections),
    gauge('rollcall_publishers', 'Publications that clients hold here.', ({ publishers }) => publishers),
    gauge(
      'rollcall_publishers_withdrawn',
      'Publications held here that are in no view since their clients are switched off.',
      ({ withdrawn }) => withdrawn,
    ),
    gauge('rollcall_subscribers', 'Subscriptions that clients hold here.', ({ subscribers }) => subscribers),
    gauge('rollcall_config_watches', 'Configuration values that clients watch here.', ({ watches }) => watches),
    new Counter({
      name: 'rollcall_clients_refused_total',
      help: 'Clients that were not let in, by why: draining, full, address (too many from one) or rate.',
      labelNames: ['reason'],
      registers: [],
      collect(): void {
        this.reset();
        for (const [reason, count] of Object.entries(core()?.counts.refused ?? {})) this.inc({ reason }, count);
      },
    }),
    new Counter({
      name: 'rollcall_pushes_total',
      help: 'Pushes to clients, by what they bring.',
      labelNames: ['type'],
      registers: [],
      collect(): void {
        this.reset();
        for (const [type, count] of Object.entries(core()?.counts.pushes ?? {})) this.inc({ type }, count);
      },
    }),
    counter(
      'rollcall_pushes_refused_total',
      'Changes that did not apply to what a client held, and were made good by a whole list.',
      ({ refusedDeltas }) => refusedDeltas,
    ),
    counter(
      'rollcall_pushes_repeated_total',
      'Pushes that were sent again since nobody had acknowledged them.',
      ({ repeatedPushes }) => repeatedPushes,
    ),
    counter(
      'rollcall_subscribers_repaired_total',
      'Subscribers that lacked something which no push would have brought them.',
      ({ repairedSubscribers }) => repairedSubscribers,
    ),
    histogramsOf(PROPAGATION, 'How long changes take on their way to subscribers, by the part of it.', 'stage', () => {
      const { stored, arrived, pushed, acked, total } = core()?.propagation ?? {};
      return stored && arrived && pushed && acked && total && { stored, arrived, pushed, acked, total };
    }),
    clockError(
      'rollcall_clock_error_seconds',
      'By how much the times may be wrong that this server and data servers tell each other, at most.',
      ({ clockErrorMs }) => clockErrorMs / 1000,
      'max',
    ),
  ];
}
