import { seededRandom } from '#model';
import { demandConvergence, demandLinearizability, missingForConvergence } from './convergence.js';
import type { Exercised } from './exercised.js';
import type { Flaws } from './flaws.js';
import { Group } from './group.js';
import { Schedule } from './schedule.js';
import { tracing } from './tracing.js';
import { DUTIES, OUTCOMES } from './watched.js';

const FAULTS_MS = 6_000;
const CONVERGE_MS = 10_000;
const SETTLE_MS = 600;
const CALM_MS = 1_200;

export interface StoryOptions {
  flaws?: Flaws;
  /** Without the duties a flaw must show in what it leads to. */
  outcomesOnly?: boolean;
  /** Is told what happens, line by line. */
  trace?: (line: string) => void;
}

/** One seed: a group made by it, faults, and the demand that everything is well in the end. */
export function runStory(
  seed: number,
  { flaws, outcomesOnly = false, trace }: StoryOptions = {},
): { exercised: Exercised; hash: string } {
  const random = seededRandom(seed);
  const group = new Group({
    seed,
    voters: [3, 3, 5, 1, 4][Math.floor(random() * 5)]!,
    clients: 4,
    chunkBytes: 100 + Math.floor(random() * 500),
    limits: {
      // The least sends entries one by one.
      appendBytes: random() < 0.4 ? 1 : 1 + Math.floor(random() * 1_000),
      appendsInFlight: 1 + Math.floor(random() * 5),
      // Short, so that much happens; a leader may take itself for one long after others have elected another.
      electionMinMs: 150,
      electionMaxMs: 300,
      checkQuorumMs: random() < 0.5 ? 300 : 1_500,
      catchUpEntries: 5,
      retainedEntries: Math.floor(random() * 20),
    },
    observers: [...(trace ? [tracing(trace)] : []), ...OUTCOMES, ...(outcomesOnly ? [] : DUTIES)],
    ...(flaws ? { flaws } : {}),
    ...(trace ? { trace } : {}),
  });
  group.story(() => {
    const schedule = new Schedule(group);
    group.run(600);
    schedule.run(FAULTS_MS, 200);
    schedule.mend();
    // Until everybody has heard of the leader again, or has made sure that there is none.
    group.run(SETTLE_MS);
    group.runUntil('convergence', () => (schedule.busy ? 'a change of members or a transfer' : undefined), CONVERGE_MS);
    for (const client of group.clients) client.stop();
    group.runUntil('convergence', () => missingForConvergence(group), CONVERGE_MS);
    demandConvergence(group);
    demandCalm(group);
    demandLinearizability(group);
  });
  return { exercised: group.exercised, hash: group.hash };
}

/** Nobody wants an election while nothing is wrong, and clients are answered. */
function demandCalm(group: Group): void {
  const leader = group.leader!;
  const { term } = leader.status;
  for (const client of group.clients) client.resume();
  const before = group.history.length;
  group.run(CALM_MS);
  for (const client of group.clients) client.stop();
  group.runUntil('calm', () => missingForConvergence(group), 2_000);
  demandConvergence(group);
  group.runUntil(
    'calm',
    () => {
      const asked = group.history.slice(before);
      if (group.leader !== leader || leader.status.term !== term) return `${leader.id} does not lead ${term} any more`;
      if (asked.length < 20) return `only ${asked.length} calls were made`;
      const unsettled = group.living.find(({ openCalls }) => openCalls > 0);
      if (unsettled) return `${unsettled.id} has not settled ${unsettled.openCalls} calls`;
      const open = asked.find(({ returnedAt }) => returnedAt === Infinity);
      return open && `${open.client} is not answered: ${JSON.stringify(open)}`;
    },
    2_000,
  );
}
