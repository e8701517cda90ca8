import type { LogEffect, RemovalCause } from '#model';
import type { MetaCommand } from '#registry';
import type { Observer, ServerMessage } from '#sim';
import { recordedCause } from './invariants/recorded-cause.js';
import { type Action, Schedule } from './schedule.js';
import type { SeedRun, Simulation } from './simulation.js';
import { watched } from './watched.js';

/** Dense faults pile up on each other; sparse ones leave time to see what each of them alone does. */
const PACES = [
  { forMs: 25_000, everyMs: 120 },
  { forMs: 60_000, everyMs: 500 },
  { forMs: 15_000, everyMs: 40 },
];
const CONVERGE_MS = 30_000;

const CAUSES: RemovalCause[] = ['unpublish', 'goodbye', 'grace-expired', 'lease-ended'];
/** Log lines of meta that tell of a rare turn. */
const LOGGED = ['member-unreachable', 'protection-began', 'protection-ended'];
const EXERCISES = [
  ...(
    'publish republish unpublish subscribe unsubscribe addClient closeClient killClient vanishClient killData ' +
    'vanishData killSession vanishSession killMeta stopServer pauseServer pauseClient resetLink resetClient partition ' +
    'oneWayPartition cutData stepWallClock registerByCurl publishByStock killCurl killStock'
  ).split(' '),
  ...['complete datum', 'partial datum', 'complete change', 'partial change', 'moved', 'reconciled', 'refused'],
  ...['snapshot push', 'partial push', 'unchanged push', 'welcome notice', 'move notice', 'a server starts anew'],
  ...['http.publish ok', 'http.publish NO_LEADER', 'http.renew ok', 'http.renew NOT_REGISTERED', 'http.unpublish ok'],
  ...['left', 'expired', 'refused'].map((cause) => `a member is removed as ${cause}`),
  ...LOGGED,
  ...CAUSES.map((cause) => `removed: ${cause}`),
];

/** Counts what the servers went through, so that a net which catches nothing because nothing swims is noticed. */
function counting(count: (what: string) => void): Observer {
  return {
    effect: (_, effect) => {
      if (effect.type === 'restart') count('a server starts anew');
      if (effect.type === 'log' && LOGGED.includes((effect as LogEffect).event)) count((effect as LogEffect).event);
      const { command } = effect as { command?: MetaCommand };
      if (command?.type === 'remove') count(`a member is removed as ${command.cause}`);
    },
    transit: ({ message }) => {
      const { kind, complete } = message as { kind?: string; complete?: boolean };
      if (kind === 'datum' || kind === 'change') count(`${complete ? 'complete' : 'partial'} ${kind}`);
      else if (kind === 'moved' || kind === 'reconciled' || kind === 'refused') count(kind);
      const item = message as ServerMessage;
      if (item.type === 'push') count(`${item.push.type} push`);
      if (item.type === 'notice') count(`${item.notice.type} notice`);
    },
  };
}

function run(seed: number, trace?: (line: string) => void): SeedRun {
  const exercised: Record<string, number> = {};
  const count = (what: string): void => {
    exercised[what] = (exercised[what] ?? 0) + 1;
  };
  const causes = new Map<RemovalCause, number>();
  const cluster = watched({
    seed,
    data: 1 + ((seed % 5) % 3),
    sessions: 2 + (seed % 2),
    clients: 4,
    slotCount: 8,
    zones: ['east', 'west'],
    isolation: seed % 4 === 0 ? 'freeze' : 'copy',
    ...(trace ? { trace } : {}),
    observers: [() => counting(count), (each) => recordedCause(each, causes)],
  });
  cluster.story(() => {
    const schedule = new Schedule(cluster, (action: Action) => count(action));
    cluster.run(500);
    const { forMs, everyMs } = PACES[seed % PACES.length]!;
    schedule.run(forMs, everyMs);
    schedule.mend();
    cluster.untilConverged(CONVERGE_MS);
    // Converged is not enough: whatever was still due, such as the removal of orphans, must take nobody living away.
    cluster.run(25_000);
    cluster.untilConverged(1_000);
    schedule.calm();
  });
  for (const curl of cluster.curls) for (const answer of curl.answers.keys()) count(answer);
  for (const [cause, times] of causes) exercised[`removed: ${cause}`] = times;
  return { fingerprint: cluster.world.transcript.hash(), exercised };
}

/** The whole registry under random faults. */
export const registrySimulation: Simulation = {
  name: 'registry',
  exercises: EXERCISES,
  headline: ['killMeta', 'killData', 'killSession', 'partition', 'moved', 'partial datum', 'removed: grace-expired'],
  enoughSeeds: 30,
  run,
};
