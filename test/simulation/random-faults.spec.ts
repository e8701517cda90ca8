import type { RemovalCause } from '#model';
import type { MetaCommand } from '#registry';
import type { Observer, ServerMessage } from '#sim';
import { recordedCause } from './invariants/recorded-cause.js';
import { type Action, Schedule } from './schedule.js';
import { watched } from './watched.js';

/** Set by `npm run sim -- --seed 1000 --seeds 500 --trace 'regular expression'`. */
const FIRST_SEED = Number(process.env['SIM_SEED'] ?? 1);
const TRACE = process.env['SIM_TRACE'];
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 40);
/** Fewer seeds than this, tried by hand, need not exercise everything. */
const ENOUGH_SEEDS = 30;
/** Dense faults pile up on each other; sparse ones leave time to see what each of them alone does. */
const PACES = [
  { forMs: 25_000, everyMs: 120 },
  { forMs: 60_000, everyMs: 500 },
  { forMs: 15_000, everyMs: 40 },
];
const CONVERGE_MS = 30_000;

const exercised = new Map<string, number>();
const causes = new Map<RemovalCause, number>();

function count(what: string): void {
  exercised.set(what, (exercised.get(what) ?? 0) + 1);
}

/** Counts what the servers went through, so that a net which catches nothing because nothing swims is noticed. */
function counting(): Observer {
  return {
    effect: (_, effect) => {
      if (effect.type === 'restart') count('a server starts anew');
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

function print(wanted: RegExp): (line: string) => void {
  return (line) => void (wanted.test(line) && process.stderr.write(`${line}\n`));
}

function run(seed: number): string {
  const cluster = watched({
    seed,
    data: 1 + ((seed % 5) % 3),
    sessions: 2 + (seed % 2),
    clients: 4,
    slotCount: 8,
    zones: ['east', 'west'],
    isolation: seed % 4 === 0 ? 'freeze' : 'copy',
    ...(TRACE === undefined ? {} : { trace: print(new RegExp(TRACE)) }),
    observers: [counting, (each) => recordedCause(each, causes)],
  });
  cluster.story(() => {
    const schedule = new Schedule(cluster, (action: Action) => count(action));
    cluster.run(500);
    const { forMs, everyMs } = PACES[seed % PACES.length]!;
    schedule.run(forMs, everyMs);
    schedule.mend();
    cluster.untilConverged(CONVERGE_MS);
    // Converged is not enough: whatever was still due, such as the removal of orphans, must take nobody living away.
    cluster.run(15_000);
    cluster.untilConverged(1_000);
    schedule.calm();
  });
  for (const curl of cluster.curls) for (const answer of curl.answers.keys()) count(answer);
  return cluster.world.transcript.hash();
}

describe('random faults', () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i))('seed %i converges', (seed) => {
    expect(run(seed)).not.toBe('');
  });

  it('replays a seed exactly', () => {
    expect(run(FIRST_SEED)).toBe(run(FIRST_SEED));
  });

  it('has exercised everything that it claims to', () => {
    const expected = [
      ...(
        'publish republish unpublish subscribe unsubscribe addClient closeClient killClient vanishClient killData ' +
        'vanishData killSession vanishSession killMeta stopServer pauseServer pauseClient resetLink resetClient partition ' +
        'oneWayPartition stepWallClock registerByCurl publishByStock killCurl killStock'
      ).split(' '),
      ...['complete datum', 'partial datum', 'complete change', 'partial change', 'moved', 'reconciled', 'refused'],
      ...['snapshot push', 'partial push', 'unchanged push', 'welcome notice', 'move notice', 'a server starts anew'],
      ...[
        'http.publish ok',
        'http.publish NO_LEADER',
        'http.renew ok',
        'http.renew NOT_REGISTERED',
        'http.unpublish ok',
      ],
      ...['left', 'expired', 'refused'].map((cause) => `a member is removed as ${cause}`),
    ];
    const isLong = SEEDS >= ENOUGH_SEEDS;
    expect(expected.filter((what) => isLong && !exercised.has(what))).toEqual([]);
    const expectedCauses: RemovalCause[] = ['unpublish', 'goodbye', 'grace-expired', 'lease-ended'];
    expect(expectedCauses.filter((cause) => isLong && !causes.has(cause))).toEqual([]);
  });
});
