import { z } from 'zod';
import { DEFAULT_DATA_CENTER, LIMITS, type ServerRole } from '#model';
import { isLoopback } from './address.js';
import {
  addresses,
  count,
  flag,
  layouts,
  milliseconds,
  name,
  oneOf,
  port,
  powerOfTwo,
  reachableHost,
  text,
  token,
  weight,
} from './rules.js';

const MAX_WORKERS = 64;

interface Ports {
  rpcPort: number;
  httpPort: number;
}

function tier<Limits extends z.ZodType>(role: ServerRole, ports: Ports, limits: Limits) {
  return z.strictObject({
    host: text('a host name or an IP address to listen on')
      .default('127.0.0.1')
      .describe(
        'The address to listen on; 0.0.0.0 is every interface. What others than this machine can reach needs an admin token.',
      ),
    advertisedHost: reachableHost()
      .meta({
        absent: 'host, or the address that is chosen at the start, and logged, where host means every interface',
      })
      .optional()
      .describe('The address told to others, at which other servers and clients reach this one.'),
    rpcPort: port().default(ports.rpcPort).describe('Other servers and clients speak RPC.'),
    httpPort: port().default(ports.httpPort).describe('People, curl and Prometheus speak HTTP.'),
    dataDir: text('the path of a folder')
      .default(`./data/${role}`)
      .describe('Where this server keeps what it must not forget. Only one process at a time may use a folder.'),
    zone: name('zone')
      .default('DEFAULT_ZONE')
      .describe(
        'Where this process stands, such as a rack or an availability zone. The same as that of clients that name none.',
      ),
    weight: weight().default(1).describe('Capacity relative to its fellows.'),
    stopDelayMs: milliseconds(0)
      .meta({ absent: '5000; 0 where host is loopback, where no load balancer looks' })
      .optional()
      .describe(
        'A server that is told to stop says first that it is not ready, and serves on for so long, for load balancers to see that: ' +
          '[health.md](health.md).',
      ),
    limits,
  });
}

/** `longer` must leave room for at least two of `shorter`, or a single lost beat counts as a death. */
function atLeastTwice(longer: string, shorter: string) {
  const check = (limits: Record<string, number | undefined>): boolean =>
    (limits[longer] ?? 0) >= 2 * (limits[shorter] ?? 0);
  return [
    check,
    {
      path: [longer] as PropertyKey[],
      error: `must be at least twice ${shorter}`,
      when: ({ value }: { value: unknown }) =>
        isObject(value) && typeof value[longer] === 'number' && typeof value[shorter] === 'number',
    },
  ] satisfies [unknown, unknown];
}

const metaLimits = z
  .strictObject({
    heartbeatMs: milliseconds(10).default(500).describe('How often data and session servers show that they live.'),
    leaseMs: milliseconds(20)
      .default(3_000)
      .describe('How long without a heartbeat counts as death. At least twice heartbeatMs.'),
    departedMs: milliseconds()
      .default(60_000)
      .describe(
        'How long a member that is gone is remembered: a new slot leader still waits for a session server that just left.',
      ),
    gatherMs: milliseconds(0)
      .default(12_000)
      .describe(
        'A group that was recovered or restored shows nobody anything for this long, so that every server that lives can join: ' +
          'long enough to try all meta addresses (2 s each) and to pause between (2 s).',
      ),
  })
  .refine(...atLeastTwice('leaseMs', 'heartbeatMs'));

const dataLimits = z.strictObject({
  tombstoneMs: milliseconds()
    .default(600_000)
    .describe('How long a removal is remembered, so that what arrives late cannot undo it.'),
  orphanGraceMs: milliseconds()
    .default(5_000)
    .describe(
      'How long the publications of a session server that is gone stay, for their clients to come back through another.',
    ),
  silentGraceMs: milliseconds()
    .default(12_000)
    .describe(
      'The same where it fell silent, as when its machine vanishes: clients take up to 10 s to notice, and to be elsewhere.',
    ),
  unreconciledReportMs: milliseconds()
    .default(10_000)
    .describe('Session servers that a slot has waited for this long are reported to meta.'),
  linkIdleMs: milliseconds(100)
    .meta({ absent: '10000' })
    .optional()
    .describe('A connection between servers that is silent for this long is closed.'),
});

const sessionLimits = z
  .strictObject({
    heartbeatMs: milliseconds(10).default(3_000).describe('How often clients show that they live.'),
    idleTimeoutMs: milliseconds(20)
      .default(10_000)
      .describe('How long without a heartbeat closes their connection. At least twice heartbeatMs.'),
    graceMs: milliseconds(0)
      .default(3_000)
      .describe(
        'How long the publications of a connection lost without goodbye stay, so that a reconnect shows nobody anything.',
      ),
    massGraceMs: milliseconds(0)
      .default(20_000)
      .describe(
        'The same where more than 50 clients of a server (or worker), and more than three of ten, are lost within graceMs, or 3 s ' +
          'if that is less: it is rather the way to them that is broken than they. As much as graceMs, or less, turns this off. ' +
          'Counted are clients that said hello, as the SDK does.',
      ),
    reconnectSpreadMs: milliseconds(0)
      .default(1_000)
      .describe(
        'The clients of a server that is lost dial another within this time at most, less where there are few of them, so that ' +
          `they do not run it over. At least ${LIMITS.clientReturnMs} less than data.limits.orphanGraceMs; cut to ${LIMITS.clientReturnMs} less than graceMs.`,
      ),
    maxConnections: count(1)
      .default(20_000)
      .describe(
        'Clients that are served; one connection each, of server-sent events too. Who is refused goes to another server, or ' +
          'tries again later.',
      ),
    maxConnectionsPerAddress: count(1).default(20_000).describe('The same from one address.'),
    admissionsPerSecond: count(1)
      .default(5_000)
      .describe(
        "Clients that are let in each second; a second's worth may come at once, others are given a turn. Enough to let " +
          `maxConnections in while what they have published waits: ${LIMITS.clientReturnMs} less than data.limits.orphanGraceMs.`,
      ),
    drainMs: milliseconds(0)
      .default(15_000)
      .describe(
        'A server that is stopped first sends its clients to other session servers, and takes no new ones. It stops when they are ' +
          'gone, and after this long whoever is left; at once where there is no other.',
      ),
    movesPerSecond: count(1).default(1_000).describe('So many clients a second are sent elsewhere then.'),
    writeDeadlineMs: milliseconds(10)
      .meta({ absent: '1000' })
      .optional()
      .describe("How long a write waits for its slot's leader before it is answered `accepted` (or, over HTTP, 503)."),
    readDeadlineMs: milliseconds(10)
      .meta({ absent: '1500' })
      .optional()
      .describe('How long a query or a first push waits for a complete answer.'),
    tombstoneMs: milliseconds()
      .default(600_000)
      .describe('How long a removal is remembered, so that what arrives late cannot undo it.'),
    compareMs: milliseconds(100)
      .default(20_000)
      .describe("How often what is held is compared with each slot's leader, in the background."),
    leaderSilenceMs: milliseconds(100)
      .default(8_000)
      .describe(
        'Without an answer for this long from a slot leader that meta believes alive, this server sends its clients elsewhere. ' +
          "Longer than meta's leaseMs, or a leader that was killed counts as one that lives and does not answer.",
      ),
  })
  .refine(...atLeastTwice('idleTimeoutMs', 'heartbeatMs'));

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;

const sections = z.strictObject({
  cluster: z
    .strictObject({
      metaAddresses: addresses()
        .meta({ absent: 'the one address of the section meta' })
        .optional()
        .describe(
          'All meta servers: one, or three or five, the same list everywhere. Data and session servers find meta by it; meta ' +
            'servers make their group of it when they first start, and each must find its own address in it, spelled as it ' +
            'advertises itself.',
        ),
      dataCenter: name('dataCenter')
        .default(DEFAULT_DATA_CENTER)
        .describe(
          'Where all of this cluster is. Clients are told; what is published in zones of it is what the scope dataCenter shows.',
        ),
      slotCount: powerOfTwo(16384)
        .default(256)
        .describe('Hash partitions of the names published. Read when a cluster first starts and fixed from then on.'),
      replicas: count(1, 5)
        .default(2)
        .describe(
          'How many data servers hold each slot, its leader included, as far as there are as many. All meta servers need the same.',
        ),
    })
    .prefault({})
    .describe('What all servers of a cluster have in common.'),
  meta: tier('meta', { rpcPort: 9610, httpPort: 9615 }, metaLimits.prefault({}))
    .safeExtend({
      join: flag()
        .default(false)
        .describe(
          'For a server that comes to a group that exists: with an empty folder it makes no group of cluster.metaAddresses, need ' +
            'not be named there, and waits to be added over REST. Means nothing once the folder is in use.',
        ),
    })
    .prefault({})
    .describe('Meta servers: who is a member, and which data server leads which slot.'),
  data: tier('data', { rpcPort: 9620, httpPort: 9622 }, dataLimits.prefault({}))
    .safeExtend({
      warmStart: flag()
        .default(true)
        .describe(
          'Keeps a copy of everything held in dataDir/warm, behind all else, so that after a restart only what differs has to be ' +
            'sent again. None of it is shown before its owner has confirmed it. A copy that is lost or damaged costs just that.',
        ),
    })
    .prefault({})
    .describe('Data servers: they hold the publications, slot by slot.'),
  session: tier('session', { rpcPort: 9600, httpPort: 9603 }, sessionLimits.prefault({}))
    .safeExtend({
      workers: count(0, MAX_WORKERS)
        .default(1)
        .describe(
          'Session servers that share these two ports, so that all cores of a machine serve; 0 for one each core. ' +
            '`--workers N` says the same. See [workers.md](workers.md).',
        ),
      workerPort: port(65_536 - 2 * MAX_WORKERS)
        .default(9660)
        .describe(
          'The first of two ports, for RPC and HTTP, that each of several workers has for itself, counted up; the other servers ' +
            'and the clients must reach them.',
        ),
      eureka: z
        .strictObject({
          enabled: flag()
            .default(true)
            .describe(
              'Whether clients of Eureka register and look up here, under `/eureka` of the HTTP port: [eureka.md](eureka.md). It costs ' +
                'nothing until one does.',
            ),
        })
        .prefault({}),
      etcd: z
        .strictObject({
          enabled: flag()
            .default(false)
            .describe(
              'Whether clients of etcd (v3, gRPC) register and look up here, on a port of its own: [etcd.md](etcd.md).',
            ),
          host: text('a host name or an IP address to listen on')
            .meta({ absent: 'session.host' })
            .optional()
            .describe('The address to listen on for them.'),
          port: port().default(2379).describe('The port for them.'),
          maxConnections: count(1)
            .default(10_000)
            .describe('Connections of such clients that are served. Who is refused goes to another server.'),
          layouts: layouts()
            .default(['kitex', 'go-micro'])
            .describe(
              'Keys that are services which others can call, and under which others are seen: [etcd.md](etcd.md). All session ' +
                'servers need the same.',
            ),
        })
        .prefault({}),
    })
    .prefault({})
    .describe('Session servers: clients connect to them to publish and to subscribe.'),
  admin: z
    .strictObject({
      tokenFile: text('the path of a file that holds a token a line')
        .optional()
        .describe(
          'A file of admin tokens, all of which count. It is read anew when it changes, so that a token is replaced without a ' +
            'restart: [access.md](access.md).',
        ),
      token: token()
        .optional()
        .describe(
          'A token that counts beside those of the file, until a restart. Better in the environment than in a file that many read.',
        ),
    })
    .prefault({})
    .describe(
      'Who may change the cluster: whoever shows an admin token. Without one everybody may, so servers listen on loopback alone.',
    ),
  log: z
    .strictObject({
      level: oneOf(LOG_LEVELS).default('info').describe('The least that is logged.'),
      format: oneOf(LOG_FORMATS)
        .default('auto')
        .describe('How: a JSON object a line, or pretty for people; auto is pretty on a terminal and json elsewhere.'),
    })
    .prefault({})
    .describe('What servers say on their standard output, one event a line.'),
});

/** All settings of all tiers: one file serves every process of a cluster. */
export const settingsSchema = sections
  .refine(
    ({ data, session }) => data.limits.orphanGraceMs >= session.limits.reconnectSpreadMs + LIMITS.clientReturnMs,
    {
      path: ['session', 'limits', 'reconnectSpreadMs'],
      error: `must be at least ${LIMITS.clientReturnMs} less than data.limits.orphanGraceMs`,
    },
  )
  // A second's worth comes in at once, the others one after the other, and what they have published waits for so long.
  .refine(
    ({ data, session: { limits } }) =>
      limits.maxConnections <=
      limits.admissionsPerSecond * Math.max(1, (data.limits.orphanGraceMs - LIMITS.clientReturnMs) / 1_000 + 1),
    {
      path: ['session', 'limits', 'admissionsPerSecond'],
      error: `must be enough to let maxConnections in within data.limits.orphanGraceMs less ${LIMITS.clientReturnMs} (a second's worth comes in at once)`,
    },
  )
  .superRefine(({ admin, ...tiers }, { addIssue }) => {
    if (admin.token !== undefined || admin.tokenFile !== undefined) return;
    const open = (['meta', 'data', 'session'] as const).find((name) => !isLoopback(tiers[name].host));
    if (open !== undefined)
      addIssue({ code: 'custom', path: ['admin', 'tokenFile'], message: openRule(open, tiers[open].host) });
  });

/** Whoever reaches a server that asks for no token may take the cluster apart. */
function openRule(tier: ServerRole, host: string): string {
  return (
    `must be given (or admin.token), since ${tier}.host is ${host}, which others than this machine reach: who changes the ` +
    'cluster shows a token. Write one into a file (openssl rand -hex 32 > admin.token) and name that here, or in ' +
    'ROLLCALL_ADMIN_TOKEN_FILE; or listen on 127.0.0.1'
  );
}

export type Settings = z.output<typeof settingsSchema>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
