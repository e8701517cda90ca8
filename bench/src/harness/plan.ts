import type { Job } from '../workloads/index.js';

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
  readonly metric: string;
  readonly of: 'rollcall' | 'rollcall-3';
  /** At most so many times as much as each of these has (at least, where more is better), or that much by itself. */
  readonly factor: number;
  readonly than?: readonly string[];
}

export interface Entry {
  readonly name: string;
  readonly title: string;
  readonly job: Job;
  /** By which systems are compared. */
  readonly metrics: readonly Metric[];
  readonly goals: readonly Goal[];
  /** Systems that do nothing of the kind. */
  readonly without?: readonly string[];
}

/** Those that keep three copies, as Rollcall does; Redis keeps one and is there for scale. */
export const PEERS = ['etcd', 'nats', 'zookeeper'] as const;
const FLOOR = ['floor'];
const ETCD = ['etcd'];

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
  without: FLOOR,
};

const ISOLATED: Entry = {
  name: 'isolated',
  title: 'One isolated change, to its one subscriber',
  job: { workload: 'fanOut', size: { subscribers: 1, valueBytes: 100, changes: 500, warmUp: 300 } },
  metrics: [
    { key: 'change p50', unit: 'ms' },
    { key: 'change p99', unit: 'ms' },
  ],
  goals: [
    { metric: 'change p50', of: 'rollcall-3', factor: 1, than: PEERS },
    { metric: 'change p99', of: 'rollcall-3', factor: 1, than: PEERS },
    { metric: 'change p50', of: 'rollcall', factor: 3, than: FLOOR },
  ],
};

const fanOut = (name: string, subscribers: number, changes: number, warmUp: number): Entry => ({
  name,
  title: `One change, to the last of ${subscribers.toLocaleString('en')} subscribers on as many connections`,
  job: { workload: 'fanOut', size: { subscribers, valueBytes: 320, changes, warmUp } },
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
  without: FLOOR,
});

const QUICK = [ISOLATED, fanOut('fan-out-1k', 1_000, 80, 10), churn('churn-10k', 10_000, 5)];
const USUAL = [REGISTER, ...QUICK];
const FULL = [
  ...USUAL,
  fanOut('fan-out-10k', 10_000, 20, 4),
  churn('churn-100k', 100_000, 20),
  IDLE,
  growth('growth-100k', [10_000, 100_000]),
];
/** Takes some systems hours, so it is measured only where it is asked for. */
const NAMED = [growth('growth-1m', [10_000, 100_000, 1_000_000])];

export const ENTRIES: Readonly<Record<'quick' | 'usual' | 'full' | 'all', readonly Entry[]>> = {
  quick: QUICK,
  usual: USUAL,
  full: FULL,
  all: [...FULL, ...NAMED],
};
