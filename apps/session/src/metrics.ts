import type { Metric } from 'prom-client';
import { byLabel, histogramsOf, hostMetrics, labelled, metricsOf } from '#nest';
import type { SessionCore, SessionCounts } from '#registry';
import type { SessionHost } from './session.host.js';

/** What a session server tells Prometheus; nothing while it has no core. */
export function sessionMetrics(host: SessionHost): Metric[] {
  const core = () => host.core;
  const drops = () => ({ temporary: core()?.counts.temporaryDropped ?? 0 });
  return [
    ...hostMetrics(host, drops),
    ...clients(core),
    ...work(core),
    ...pushes(core),
    ...propagation(core),
    ...slots(core),
  ];
}

type Core = () => SessionCore | undefined;

/** A counter by one label. */
function counters(
  core: Core,
  name: string,
  help: string,
  label: string,
  read: (counts: SessionCounts) => Readonly<Record<string, number>>,
): Metric {
  return labelled({ type: 'counter', name, help, labelNames: [label] }, () => {
    const counts = core()?.counts;
    return byLabel(label, counts && read(counts));
  });
}

function clients(core: Core): Metric[] {
  const { gauge } = metricsOf(() => core()?.counts);
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
    gauge('rollcall_subscribed_datums', 'Datums that somebody here subscribes to.', ({ datums }) => datums),
    counters(
      core,
      'rollcall_clients_refused_total',
      'Clients that were not let in, by why: draining, full, address (too many from one) or rate.',
      'reason',
      ({ refused }) => refused,
    ),
  ];
}

function work(core: Core): Metric[] {
  const { gauge } = metricsOf(() => core()?.counts);
  return [
    counters(
      core,
      'rollcall_operations_total',
      'Publications and removals of clients that were answered, by the result: stored, accepted or failed.',
      'result',
      ({ operations }) => operations,
    ),
    gauge(
      'rollcall_requests_in_hand',
      'Operations, queries and renewals of clients that are not answered yet.',
      ({ inHand }) => inHand,
    ),
    gauge(
      'rollcall_operations_in_flight',
      'Operations that no slot leader has answered yet, those among them that wait to be sent.',
      ({ inFlight }) => inFlight,
    ),
    gauge(
      'rollcall_removals_remembered',
      'Removals remembered, so that leaders that lack them are told.',
      ({ removals }) => removals,
    ),
  ];
}

function pushes(core: Core): Metric[] {
  const { gauge, counter } = metricsOf(() => core()?.counts);
  return [
    counters(
      core,
      'rollcall_pushes_total',
      'Pushes to clients, by what they bring.',
      'type',
      (counts) => counts.pushes,
    ),
    gauge(
      'rollcall_pushes_held',
      'Subscribers for whom something waits since operators have stopped pushes to them.',
      ({ held }) => held,
    ),
    gauge(
      'rollcall_push_load_seconds',
      'For how long changes are merged at least, since so much has been pushed in this moment.',
      ({ pushLoadMs }) => pushLoadMs / 1000,
      'max',
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_laggards',
        help: 'Subscribing connections that read less than is sent to them (slow) or have acknowledged nothing for long (broken).',
        labelNames: ['kind'],
      },
      () => byLabel('kind', { ...core()?.laggards }),
    ),
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
  ];
}

function propagation(core: Core): Metric[] {
  const { gauge: clockError } = metricsOf(() => core()?.propagation);
  return [
    histogramsOf(
      'rollcall_propagation_seconds',
      'How long changes take on their way to subscribers, by the part of it.',
      'stage',
      () => {
        const { stored, arrived, pushed, acked, total } = core()?.propagation ?? {};
        return stored && arrived && pushed && acked && total && { stored, arrived, pushed, acked, total };
      },
    ),
    clockError(
      'rollcall_clock_error_seconds',
      'By how much the times may be wrong that this server and data servers tell each other, at most.',
      ({ clockErrorMs }) => clockErrorMs / 1000,
      'max',
    ),
  ];
}

function slots(core: Core): Metric[] {
  const { gauge } = metricsOf(() => core()?.cluster);
  return [
    gauge(
      'rollcall_joined',
      'Whether the server is a member of the cluster, by what it heard last: 1 or 0.',
      ({ joined }) => (joined ? 1 : 0),
      'min',
    ),
    gauge('rollcall_table_epoch', 'Of the routing table by which the server goes.', (of) => of.tableEpoch, 'min'),
    gauge(
      'rollcall_slots_unreconciled',
      'Slots whose leader has not confirmed yet that it has what is held here.',
      ({ slots: all, slotsReconciled }) => all - slotsReconciled,
    ),
  ];
}
