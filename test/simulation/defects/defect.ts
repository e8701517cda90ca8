import type { Core, DataToSession } from '#model';
import type { DataEffect, DataEvent } from '#registry';
import { type Cluster, type ClusterOptions, type Cores, realCores } from '#sim';
import { untilConverged } from '../invariants/convergence.js';
import { Schedule } from '../schedule.js';
import { watched } from '../watched.js';

/** A defect that a change could bring in, and the rule that must find it. */
export interface Defect {
  name: string;
  rule: RegExp;
  cores: () => Partial<Cores>;
  /** What has to happen for the defect to show; a random schedule unless given. */
  story?: (cluster: Cluster) => void;
  options?: Partial<ClusterOptions>;
  /** Seeds to try at most. */
  seeds?: number;
}

/** A real core with another step, or the old one around it. */
export function tamperStep<Event, Effect>(
  core: Core<Event, Effect>,
  step: (nowMs: number, event: Event, real: Core<Event, Effect>['step']) => Effect[],
): Core<Event, Effect> {
  const real = core.step.bind(core);
  core.step = (nowMs, event) => step(nowMs, event, real);
  return core;
}

/** A real core whose effects are tampered with. */
export function tamper<Event, Effect>(
  core: Core<Event, Effect>,
  change: (effect: Effect) => Effect[],
): Core<Event, Effect> {
  return tamperStep(core, (nowMs, event, real) => real(nowMs, event).flatMap(change));
}

export function tamperAnswers(change: (message: DataToSession) => DataToSession[]): Cores['data'] {
  return (options) =>
    tamper<DataEvent, DataEffect>(realCores.data(options), (effect) =>
      effect.type === 'send' && !['join', 'heartbeat', 'leave'].includes(effect.message.kind)
        ? change(effect.message as DataToSession).map((message) => ({ ...effect, message }))
        : [effect],
    );
}

function randomStory(cluster: Cluster): void {
  const schedule = new Schedule(cluster, () => {});
  schedule.run(30_000, 250);
  schedule.mend();
  untilConverged(cluster, 30_000);
  cluster.run(15_000);
  schedule.calm();
  untilConverged(cluster, 1_000);
}

/** Runs seeds with the defect until something objects. */
export function firstObjection({ cores, options, seeds = 20, story = randomStory }: Defect): string {
  for (let seed = 1; seed <= seeds; seed++) {
    const cluster = watched({ data: 2, sessions: 2, clients: 4, slotCount: 8, ...options, seed, cores: cores() });
    try {
      cluster.story(() => {
        cluster.run(500);
        story(cluster);
      });
    } catch (error) {
      return (error as Error).message.split('\n')[0]!;
    }
  }
  return `nothing, in ${seeds} seeds`;
}
