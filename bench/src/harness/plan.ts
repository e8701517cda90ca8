import type { Job } from '../workloads/index.js';
import type { Program } from './program.js';

export interface Metric {
  /** As workloads name it. */
  readonly key: string;
  readonly unit: Unit;
}

/** Of all but rates, less is better. */
export const UNITS = ['/s', 'ms', 'KB', 'bytes', 'times'] as const;
export type Unit = (typeof UNITS)[number];

/** What is to hold of a metric of Rollcall: of three of each tier next to other systems, of one of each next to the floor. */
export interface Goal {
  /** A metric; samples, where a percentile is named; or `missed`, of all rounds together. */
  readonly metric: string;
  readonly of: 'rollcall' | 'rollcall-3';
  /** At most so many times as much as each of these has (at least, where more is better), or that much by itself. */
  readonly factor: number;
  readonly than?: readonly string[];
  /** Of the samples of all rounds together. */
  readonly percent?: number;
}

export interface Entry {
  readonly name: string;
  readonly title: string;
  /** How much of it: of each system the same, unless it says otherwise. Or a program that measures Rollcall alone. */
  readonly job: Job | Program | ((system: string) => Job | Program);
  /** By which systems are compared. */
  readonly metrics: readonly Metric[];
  readonly goals: readonly Goal[];
  /** Systems that do nothing of the kind, and why not. */
  readonly without?: Readonly<Record<string, string>>;
  /** Of one round of one system, when it is not the usual one. */
  readonly deadlineMs?: number;
}

/** Those that keep three copies, as Rollcall does; Redis keeps one and is there for scale. */
export const PEERS = ['etcd', 'nats', 'zookeeper'] as const;
const FLOOR = ['floor'];
const ETCD = ['etcd'];

/** Why it is left out where what is registered matters. */
const KEEPS_NOTHING = { floor: 'it keeps nothing' };
/** Why all others are left out where a program measures Rollcall. */
const ALONE = Object.fromEntries(
  ['floor', 'rollcall-3', ...PEERS, 'redis'].map((name) => [name, 'this is measured of Rollcall alone']),
);

const CONNECTIONS = 20;
const IN_FLIGHT = [1, 64, 256];

const REGISTER: Entry = {
  name: 'register',
  title: 'Register ephemeral publishers, 1, 64 and 256 in flight',
  job: {
    workload: 'register',
    size: {
      ...{ inFlight: IN_FLIGHT, connections: CONNECTIONS, topics: 100, valueBytes: 100 },
      ...{ seconds: 5, warmUpSeconds: 15, settleSeconds: 1 },
    },
  },
  metrics: [
    ...IN_FLIGHT.map((count): Metric => ({ key: `${count} per second`, unit: '/s' })),
    ...IN_FLIGHT.map((count): Metric => ({ key: `${count} p99`, unit: 'ms' })),
  ],
  goals: [64, 256].flatMap((count): Goal[] => [
    { metric: `${count} per second`, of: 'rollcall-3', factor: 2, than: PEERS },
    { metric: `${count} per second`, of: 'rollcall-3', factor: 10, than: ETCD },
  ]),
  without: KEEPS_NOTHING,
};

/**
 * What has run for days is compiled, so there are thousands of changes before those that count, without a pause between them.
 * After 1,500 with pauses three of each tier of Rollcall had a p99 of 3.1 to 4.3 ms, after this of 1.6 to 2.9. Longer, and a quick run
 * is none.
 */
const ISOLATED: Entry = {
  name: 'isolated',
  title: 'One isolated change, to its one subscriber',
  job: { workload: 'fanOut', size: { subscribers: 1, valueBytes: 100, changes: 500, warmUpSeconds: 6 } },
  metrics: [
    { key: 'change p50', unit: 'ms' },
    { key: 'change p99', unit: 'ms' },
  ],
  goals: [
    { metric: 'change p50', of: 'rollcall-3', factor: 1, than: PEERS },
    { metric: 'change p99', of: 'rollcall-3', factor: 1, than: PEERS },
    { metric: 'change p50', of: 'rollcall', factor: 3, than: FLOOR },
    { metric: 'change p99', of: 'rollcall', factor: 3, than: FLOOR },
  ],
};

const fanOut = (name: string, subscribers: number, changes: number, warmUpSeconds: number): Entry => ({
  name,
  title: `One change, to the last of ${subscribers.toLocaleString('en')} subscribers on as many connections`,
  job: { workload: 'fanOut', size: { subscribers, valueBytes: 320, changes, warmUpSeconds } },
  metrics: [
    { key: 'last p50', unit: 'ms' },
    { key: 'last p99', unit: 'ms' },
    { key: 'first p50', unit: 'ms' },
  ],
  goals: [
    { metric: 'last p50', of: 'rollcall', factor: 2, than: FLOOR },
    { metric: 'last p50', of: 'rollcall-3', factor: 0.5, than: ETCD },
  ],
});

const churn = (name: string, publishers: number, seconds: number): Entry => ({
  name,
  title: `1 % of ${publishers.toLocaleString('en')} publishers change each second, to 1,000 subscribers`,
  job: {
    workload: 'churn',
    size: {
      ...{ publishers, subscribers: 1_000, topics: 100, changesPerSecond: publishers / 100 },
      ...{ seconds, warmUpSeconds: 2, connections: CONNECTIONS, valueBytes: 100 },
    },
  },
  metrics: [
    { key: 'change p50', unit: 'ms' },
    { key: 'change p99', unit: 'ms' },
    { key: 'change p999', unit: 'ms' },
  ],
  goals: [
    { metric: 'change p99', of: 'rollcall-3', factor: 1, than: PEERS },
    { metric: 'change p99', of: 'rollcall', factor: 1_000 },
    { metric: 'change p99', of: 'rollcall-3', factor: 1_000 },
    { metric: 'missed', of: 'rollcall', factor: 0 },
    { metric: 'missed', of: 'rollcall-3', factor: 0 },
  ],
});

const IDLE: Entry = {
  name: 'idle-10k',
  title: '10,000 subscribers on as many connections, while nothing changes',
  job: {
    workload: 'idle',
    size: { connections: 10_000, first: 500, topics: 100, seconds: 10, settleSeconds: 5, valueBytes: 100 },
  },
  metrics: [{ key: 'each', unit: 'KB' }],
  goals: [{ metric: 'each', of: 'rollcall', factor: 10 }],
};

const growth = (name: string, publishers: number[]): Entry => ({
  name,
  title: `One change to its one subscriber, among ${publishers.map((each) => each.toLocaleString('en')).join(', ')} publishers`,
  job: {
    workload: 'growth',
    size: { publishers, perTopic: 100, connections: CONNECTIONS, changes: 500, warmUp: 200, valueBytes: 100 },
  },
  metrics: [
    ...publishers.map((count): Metric => ({ key: `p50 at ${count}`, unit: 'ms' })),
    ...publishers.map((count): Metric => ({ key: `p99 at ${count}`, unit: 'ms' })),
    { key: 'growth', unit: 'times' },
    { key: 'memory', unit: 'bytes' },
  ],
  goals: [{ metric: 'growth', of: 'rollcall-3', factor: 1.3 }],
  without: KEEPS_NOTHING,
});

const MASS_RESTART = 'mass-restart';

function titleOfRestart(members: number): string {
  return `The connections of ${members.toLocaleString('en')} clients break at once, until all are back as they were`;
}

const massRestart = (name: string, members: number): Entry => ({
  name,
  title: titleOfRestart(members),
  job: { workload: 'massRestart', size: { members, perTopic: 25, cuts: 3, settleSeconds: 4, valueBytes: 100 } },
  metrics: [
    { key: 'last', unit: 'ms' },
    { key: 'worst', unit: 'ms' },
    { key: 'half', unit: 'ms' },
  ],
  goals: [{ metric: 'missed', of: 'rollcall-3', factor: 0 }],
  without: {
    ...KEEPS_NOTHING,
    rollcall: 'its clients do what the protocol demands and no more, and do not come back by themselves',
  },
  deadlineMs: 480_000,
});

const FAILOVER_METRICS = ['registration', 'push'].flatMap((what) =>
  ['leader', 'edge', 'meta'].map((kind): Metric => ({ key: `${kind} ${what} p50`, unit: 'ms' })),
);

const failover = (
  name: string,
  often: string,
  warmUpSeconds: number,
  killsOfEachKind: (system: string) => number,
): Entry => ({
  name,
  title: `Servers are killed ${often}: how long somebody cannot register anything, or is told nothing`,
  job: (system) => ({
    workload: 'failover',
    size: {
      ...{ killsOfEachKind: killsOfEachKind(system), mostSeconds: 390, members: 24, warmUpSeconds },
      ...{ calmSeconds: 0.5, watchSeconds: 2, valueBytes: 100 },
    },
  }),
  metrics: FAILOVER_METRICS,
  goals: [
    ...['registration', 'push'].flatMap((what): Goal[] => [
      { metric: `leader ${what}`, percent: 99, of: 'rollcall-3', factor: 1_500 },
      { metric: `edge ${what}`, percent: 99, of: 'rollcall-3', factor: 2_000 },
      { metric: `meta ${what}`, percent: 99, of: 'rollcall-3', factor: 1_000 },
    ]),
    { metric: 'missed', of: 'rollcall-3', factor: 0 },
  ],
  without: {
    ...KEEPS_NOTHING,
    rollcall: 'it has one server of each kind, and nobody takes over',
    redis: 'it is one process, and nobody takes over',
  },
  /** The last kills begin before `mostSeconds`, and those of NATS take four times a minute and more. */
  deadlineMs: 840_000,
});

interface Million {
  bytesEach: { churned: { held: number } };
  cost: Record<'few' | 'all', { publishUs: number; fetchUs: number }>;
  eventLoopDelay: { churning: { p999Ms: number; maxMs: number; longestPauseMs: number } };
  republished: number;
  failed: number;
}

const MILLION: Entry = {
  name: 'million',
  title: 'One data server of Rollcall with 1,000,000 publications, of which 2,000 change a second',
  job: {
    ...{ script: 'size/million.main.js', args: [] },
    read(printed) {
      const { bytesEach, cost, eventLoopDelay, republished, failed } = printed as Million;
      const metrics = {
        'held for each': bytesEach.churned.held,
        'event loop late p999': eventLoopDelay.churning.p999Ms,
        'event loop late max': eventLoopDelay.churning.maxMs,
        'longest collection': eventLoopDelay.churning.longestPauseMs,
        'cost of a publish': cost.all.publishUs / cost.few.publishUs,
        'cost of a fetch': cost.all.fetchUs / cost.few.fetchUs,
      };
      return { metrics, operations: republished, missed: failed };
    },
  },
  metrics: [
    { key: 'held for each', unit: 'bytes' },
    { key: 'event loop late p999', unit: 'ms' },
    { key: 'event loop late max', unit: 'ms' },
    { key: 'longest collection', unit: 'ms' },
    { key: 'cost of a publish', unit: 'times' },
    { key: 'cost of a fetch', unit: 'times' },
  ],
  goals: [
    { metric: 'held for each', of: 'rollcall', factor: 600 },
    { metric: 'event loop late p999', of: 'rollcall', factor: 50 },
    { metric: 'event loop late max', of: 'rollcall', factor: 400 },
    { metric: 'cost of a publish', of: 'rollcall', factor: 1.3 },
    { metric: 'cost of a fetch', of: 'rollcall', factor: 1.3 },
  ],
  without: ALONE,
  deadlineMs: 510_000,
};

interface MetaKills {
  written: { p50Ms: number; p99Ms: number; maxMs: number };
  published: number;
  failedPublishes: number;
  missedPushes: number;
}

const META_LEADER: Entry = {
  name: 'meta-leader',
  title: 'The leader of three meta servers of Rollcall is killed, until another one writes, while clients publish',
  job: {
    ...{ script: 'failover/meta.main.js', args: ['--kills', '40'] },
    read(printed) {
      const { written, published, failedPublishes, missedPushes } = printed as MetaKills;
      const metrics = { 'written p50': written.p50Ms, 'written p99': written.p99Ms, 'written max': written.maxMs };
      return { metrics, operations: published, missed: failedPublishes + missedPushes };
    },
  },
  metrics: ['p50', 'p99', 'max'].map((each): Metric => ({ key: `written ${each}`, unit: 'ms' })),
  goals: [
    { metric: 'written p99', of: 'rollcall', factor: 1_000 },
    { metric: 'missed', of: 'rollcall', factor: 0 },
  ],
  without: ALONE,
  deadlineMs: 480_000,
};

/** So few, that all of a quick run is done in three minutes. */
const FAN_OUT_1K = fanOut('fan-out-1k', 1_000, 50, 3);
const CHURN_10K = churn('churn-10k', 10_000, 5);
const RESTART_1K = massRestart(`${MASS_RESTART}-1k`, 1_000);
/**
 * In five rounds more than 200 kills of Rollcall, and 50 of each other; of NATS 30, after each of which it is a minute until its
 * library finds that watches are dead.
 */
const KILLS_OF_EACH_KIND: Readonly<Record<string, number>> = { 'rollcall-3': 14, nats: 3 };
const FAILOVER = failover('failover', 'one after another', 10, (system) => KILLS_OF_EACH_KIND[system] ?? 5);

const QUICK = [ISOLATED, FAN_OUT_1K, CHURN_10K, RESTART_1K];
const USUAL = [REGISTER, ...QUICK, failover('failover-few', 'now and then', 3, () => 1)];
const FULL = [
  ...[REGISTER, ISOLATED, FAN_OUT_1K, fanOut('fan-out-10k', 10_000, 20, 4)],
  ...[CHURN_10K, churn('churn-100k', 100_000, 20), massRestart(`${MASS_RESTART}-10k`, 10_000), IDLE],
  ...[growth('growth-100k', [10_000, 100_000]), FAILOVER, META_LEADER, MILLION],
];
/** Takes some systems hours, so it is measured only where it is asked for. */
const NAMED = [growth('growth-1m', [10_000, 100_000, 1_000_000])];

export const ENTRIES: Readonly<Record<'quick' | 'usual' | 'full' | 'all', readonly Entry[]>> = {
  quick: QUICK,
  usual: USUAL,
  full: FULL,
  all: [...new Set([...FULL, ...USUAL, ...NAMED])],
};

/** What a system is given to do; undefined where it does nothing of the kind. */
export function jobOf({ job, without }: Entry, system: string): Job | Program | undefined {
  if (without && system in without) return undefined;
  return typeof job === 'function' ? job(system) : job;
}

/** With other numbers of clients that come back, and of kills. */
export function resized(entry: Entry, { clients, kills }: { clients?: number; kills?: number }): Entry {
  const { job, name, title } = entry;
  const isRestart = name.startsWith(MASS_RESTART);
  return {
    ...entry,
    title: isRestart && clients !== undefined ? titleOfRestart(clients) : title,
    job: (system) => {
      const usual = typeof job === 'function' ? job(system) : job;
      if ('script' in usual) return usual;
      if (usual.workload === 'massRestart' && clients !== undefined)
        return { ...usual, size: { ...usual.size, members: clients } };
      if (usual.workload === 'failover' && kills !== undefined)
        return { ...usual, size: { ...usual.size, killsOfEachKind: kills } };
      return usual;
    },
  };
}
