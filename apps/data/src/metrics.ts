import type { Metric } from 'prom-client';
import { type LabelledValue, byLabel, histogramsOf, hostMetrics, labelled, metricsOf, perSlot } from '#nest';
import type { DataCore, SlotLag } from '#registry';
import type { DataHost } from './data.host.js';

/** What a data server tells Prometheus; nothing while it has no core. */
export function dataMetrics(host: DataHost): Metric[] {
  const core = () => host.core;
  return [...hostMetrics(host), ...contents(core), ...replication(core), ...disks(core)];
}

type Core = () => DataCore | undefined;

function contents(core: Core): Metric[] {
  const { gauge } = metricsOf(() => core()?.stats());
  const { gauge: table } = metricsOf(() => core()?.table);
  return [
    gauge('rollcall_slots_led', 'Slots led here.', ({ slotsLed }) => slotsLed),
    gauge('rollcall_slots_followed', 'Slots followed here.', ({ slotsFollowed }) => slotsFollowed),
    gauge(
      'rollcall_slots_partial',
      'Slots led here that are not complete: some session server has not said yet what it holds.',
      ({ slotsPartial }) => slotsPartial,
    ),
    gauge('rollcall_datums', 'Datums in the slots led here.', ({ datums }) => datums),
    gauge('rollcall_publications', 'Publications in the slots led here.', ({ publications }) => publications),
    gauge('rollcall_tombstones', 'Removals remembered in the slots led here.', ({ tombstones }) => tombstones),
    gauge('rollcall_session_links', 'Links with session servers.', ({ sessionLinks }) => sessionLinks),
    table('rollcall_table_epoch', 'Of the routing table by which the server goes.', ({ epoch }) => epoch),
    labelled(
      {
        type: 'counter',
        name: 'rollcall_removals_total',
        help: 'Publications that have left the slots led here, by the cause that is recorded.',
        labelNames: ['cause'],
      },
      () => byLabel('cause', core()?.stats().removals),
    ),
    histogramsOf(
      'rollcall_propagation_seconds',
      'How long changes take on their way to subscribers, by the part of it.',
      'stage',
      () => {
        const applied = core()?.applied;
        return applied && { applied };
      },
    ),
  ];
}

function replication(core: Core): Metric[] {
  const { counter } = metricsOf(() => core()?.stats());
  const ofSlots = (name: string, help: string, read: (lag: SlotLag) => number | undefined): Metric =>
    labelled({ type: 'gauge', name, help, labelNames: ['slot'] }, () =>
      perSlot((core()?.lags() ?? []).flatMap((lag) => worstOf(lag.slot, read(lag)))),
    );
  return [
    counter(
      'rollcall_divergence_found_total',
      'Comparisons of a follower or a session server with the leader of a slot that failed.',
      ({ divergencesFound }) => divergencesFound,
    ),
    counter(
      'rollcall_divergence_repaired_total',
      'Differences between a follower or a session server and the leader of a slot that were mended.',
      ({ divergencesRepaired }) => divergencesRepaired,
    ),
    counter(
      'rollcall_publications_asked_for_total',
      'Publications that a leader here lacked, and asked session servers for.',
      ({ publicationsAskedFor }) => publicationsAskedFor,
    ),
    counter(
      'rollcall_publications_copied_total',
      'Publications that a follower here lacked, and was given by its leader.',
      ({ publicationsCopied }) => publicationsCopied,
    ),
    ofSlots(
      'rollcall_slot_lag_operations',
      'Operations of a slot led here that its last follower has not acknowledged.',
      ({ followers }) => highest(followers.map(({ operations }) => operations)),
    ),
    ofSlots(
      'rollcall_slot_lag_seconds',
      'Age of the oldest operation of a slot led here that its last follower has not acknowledged.',
      ({ followers }) => highest(followers.map(({ lagMs }) => lagMs / 1000)),
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_replicas_catching_up',
        help: 'Followers of slots led here that are still being given what differs.',
        labelNames: [],
      },
      () => [{ labels: {}, value: catchingUp(core()?.lags() ?? []) }],
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_slot_agreement_age_seconds',
        help: 'Time since a slot led here was last found equal, of its followers or session servers the one longest ago.',
        labelNames: ['slot', 'with'],
      },
      () => agreementAges(core()?.lags() ?? []),
    ),
  ];
}

function disks(core: Core): Metric[] {
  const { gauge, counter } = metricsOf(() => core()?.stats());
  return [
    gauge('rollcall_disk_failed', 'Whether the last write of persistent publications failed: 1 or 0.', (stats) =>
      stats.diskFailed ? 1 : 0,
    ),
    gauge(
      'rollcall_disk_slots_writing',
      'Slots whose persistent publications are being written, or wait for it.',
      ({ slotsWriting }) => slotsWriting,
    ),
    gauge(
      'rollcall_warm_copy_pending',
      'Changes that are not in the copy on disk yet with which the server would start.',
      ({ warm }) => warm.pending,
    ),
    gauge(
      'rollcall_warm_copy_loaded',
      'Publications that were read from that copy at the start.',
      ({ warm }) => warm.loaded,
    ),
    counter(
      'rollcall_warm_copy_confirmed_total',
      'Publications from disk or of a stale replica that their owners have confirmed, so that they did not have to travel.',
      ({ warm }) => warm.confirmed,
    ),
    counter('rollcall_warm_copy_dropped_total', 'The same that nobody has claimed.', ({ warm }) => warm.dropped),
    counter(
      'rollcall_warm_copy_failures_total',
      'How often that copy was found damaged or could not be written, and was begun anew.',
      ({ warm }) => warm.failures,
    ),
  ];
}

function agreementAges(lags: readonly SlotLag[]): LabelledValue[] {
  const kinds = { follower: 'followers', session: 'sessions' } as const;
  return Object.entries(kinds).flatMap(([kind, field]) =>
    perSlot(
      lags.flatMap((lag) => {
        const agedMs = lag[field].flatMap(({ agreedAgoMs }) => (agreedAgoMs === undefined ? [] : [agreedAgoMs]));
        return worstOf(lag.slot, highest(agedMs.map((ms) => ms / 1000)));
      }),
    ).map(({ labels, value }) => ({ labels: { ...labels, with: kind }, value })),
  );
}

function catchingUp(lags: readonly SlotLag[]): number {
  return lags.reduce((sum, { followers }) => sum + followers.filter(({ streaming }) => !streaming).length, 0);
}

/** Nothing where there is nobody whose it would be. */
function highest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

function worstOf(slot: number, value: number | undefined): [number, number][] {
  return value === undefined ? [] : [[slot, value]];
}
