import { Gauge, type Metric } from 'prom-client';
import { histogramsOf, metricsOf } from '#nest';
import type { DataCore } from '#registry';

/** What a data server tells Prometheus; nothing while it has no core. */
export function dataMetrics(core: () => DataCore | undefined): Metric[] {
  const { counter } = metricsOf(() => core()?.stats());
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
    histogramsOf(
      'rollcall_propagation_seconds',
      'How long changes take on their way to subscribers, by the part of it: from a session server until they are applied.',
      'stage',
      () => {
        const applied = core()?.applied;
        return applied && { applied };
      },
    ),
    new Gauge({
      name: 'rollcall_slot_agreement_age_seconds',
      help: 'Time since a slot led here was last found equal, of its followers or session servers the one longest ago.',
      labelNames: ['slot', 'with'],
      registers: [],
      collect(): void {
        this.reset();
        for (const { slot, followers, sessions } of core()?.slots() ?? []) {
          for (const [kind, agreements] of Object.entries({ follower: followers, session: sessions })) {
            const ages = agreements.flatMap(({ agreedAgoMs }) => agreedAgoMs ?? []);
            if (ages.length > 0) this.set({ slot, with: kind }, Math.max(...ages) / 1000);
          }
        }
      },
    }),
  ];
}
