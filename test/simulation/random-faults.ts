import type { RemovalCause } from '#model';
import { SessionCore } from '#registry';
import type { ClusterOptions } from '#sim';
import { EXERCISES, countRun, counting } from './counting.js';
import { untilConverged } from './invariants/convergence.js';
import { Schedule } from './schedule.js';
import type { SeedRun, Simulation } from './simulation.js';
import { watched } from './watched.js';

/** Dense faults pile up on each other; sparse ones leave time to see what each of them alone does. */
const PACES = [
  { forMs: 25_000, everyMs: 120 },
  { forMs: 60_000, everyMs: 500 },
  { forMs: 15_000, everyMs: 40 },
];
const CONVERGE_MS = 30_000;

function run(seed: number, trace?: (line: string) => void): SeedRun {
  const exercised: Record<string, number> = {};
  const count = (what: string, times = 1): void => {
    exercised[what] = (exercised[what] ?? 0) + times;
  };
  const causes = new Map<RemovalCause, number>();
  const options: ClusterOptions = {
    seed,
    metas: ([3, 1, 3, 5, 3, 1, 3] as const)[seed % 7]!,
    data: 1 + ((seed % 5) % 3),
    sessions: 2 + (seed % 2),
    clients: 4,
    slotCount: 8,
    zones: ['east', 'west'],
    isolation: seed % 4 === 0 ? 'freeze' : 'copy',
    // So that snapshots are taken, and servers that were away need one.
    raft: { snapshotEveryEntries: 10, retainedEntries: seed % 6 },
    // As if there were thousands of clients: those of a lost server spread over all the time that they may take.
    ...(seed % 3 === 0 ? { cores: { session: spreading } } : {}),
    ...(trace ? { trace } : {}),
    observers: [(each) => counting(each, count)],
  };
  const cluster = watched(options, causes);
  cluster.story(() => {
    const schedule = new Schedule(cluster, count);
    cluster.run(500);
    const { forMs, everyMs } = PACES[seed % PACES.length]!;
    schedule.run(forMs, everyMs);
    schedule.mend();
    untilConverged(cluster, CONVERGE_MS);
    // Converged is not enough: whatever was still due, such as the removal of orphans, must take nobody living away.
    cluster.run(25_000);
    untilConverged(cluster, 1_000);
    schedule.calm();
  });
  countRun(cluster, causes, count);
  return { fingerprint: cluster.world.transcript.hash(), exercised };
}

const spreading: NonNullable<NonNullable<ClusterOptions['cores']>['session']> = (options) =>
  new SessionCore({
    ...options,
    limits: { ...options.limits, spreadPerConnectionMs: 1_000, returnsMany: 1, lossesMany: 1, massGraceMs: 8_000 },
  });

/** The whole registry under random faults. */
export const registrySimulation: Simulation = {
  name: 'registry',
  exercises: EXERCISES,
  headline: ['meta leader elected anew', 'slot failed over', 'client reconnected', 'removed by grace-expired'],
  enoughSeeds: 30,
  run,
};
