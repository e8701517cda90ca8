import { z } from 'zod';
import { DEFAULT_DATA_CENTER, LIMITS, type ServerRole, checkName } from '#model';
import { TOKEN_RULE, isToken } from '../admin/tokens.js';
import { isLoopback, parseAddress } from './address.js';

const MAX_DURATION_MS = 30 * 24 * 60 * 60 * 1000;
const MAX_COUNT = 1_000_000;
const WILDCARDS = new Set(['0.0.0.0', '::', '[::]', '*']);

/**
 * Every leaf states its whole rule in one sentence, so that whichever check fails, the message says everything that the
 * value must be.
 */
function port(defaultPort: number) {
  const rule = 'must be a port from 0 to 65535 (0 lets the system choose)';
  return z.int(rule).min(0, rule).max(65535, rule).default(defaultPort);
}

function milliseconds(minMs = 1) {
  const rule = `must be a whole number of milliseconds from ${minMs} to ${MAX_DURATION_MS}`;
  return z.int(rule).min(minMs, rule).max(MAX_DURATION_MS, rule);
}

function count(least: number) {
  const rule = `must be a whole number from ${least} to ${MAX_COUNT}`;
  return z.int(rule).min(least, rule).max(MAX_COUNT, rule);
}

function text(rule: string) {
  return z.string(rule).refine((value) => value.trim() !== '', rule);
}

const host = text('must be a host name or an IP address to listen on');

const advertisedHost = z.string(advertisedRule()).refine((value) => value !== '' && !WILDCARDS.has(value), {
  error: advertisedRule(),
});

function advertisedRule(): string {
  return 'must be a host name or an IP address that the other servers and the clients can reach';
}

const nameRule = 'must be a name: not empty, at most 512 bytes, without control characters and without #@#';
const zone = z.string(nameRule).refine((value) => checkName('zone', value) === undefined, nameRule);

const addressRule = 'must be a list of addresses of the form host:port';
const addresses = z
  .array(z.string(addressRule), addressRule)
  .min(1, addressRule)
  .refine((list) => list.every((item) => typeof item !== 'string' || parseAddress(item) !== undefined), addressRule);

const slotCountRule = 'must be a power of two from 1 to 16384';
const slotCount = z
  .int(slotCountRule)
  .min(1, slotCountRule)
  .max(16384, slotCountRule)
  .refine((count) => (count & (count - 1)) === 0, slotCountRule);

const replicasRule = 'must be a whole number from 1 to 5: how many data servers hold each slot';
const replicas = z.int(replicasRule).min(1, replicasRule).max(5, replicasRule);

const weightRule = 'must be a number above 0 and at most 1000';

const MAX_WORKERS = 64;
const workersRule = `must be a whole number from 0 (one for each core) to ${MAX_WORKERS}`;

/** So that the ports of every worker are ports. */
const MAX_WORKER_PORT = 65_536 - 2 * MAX_WORKERS;
const workerPortRule = `must be a port from 0 (the system chooses) to ${MAX_WORKER_PORT}`;

interface Ports {
  rpcPort: number;
  httpPort: number;
}

function tier<Limits extends z.ZodType>(name: ServerRole, ports: Ports, limits: Limits) {
  return z
    .strictObject({
      host: host.default('127.0.0.1'),
      advertisedHost: advertisedHost.optional(),
      rpcPort: port(ports.rpcPort),
      httpPort: port(ports.httpPort),
      dataDir: text('must be the path of a folder').default(`./data/${name}`),
      zone: zone.default('DEFAULT_ZONE'),
      weight: z.number(weightRule).positive(weightRule).max(1000, weightRule).default(1),
      limits,
    })
    .refine((section) => section.advertisedHost !== undefined || !WILDCARDS.has(section.host), {
      path: ['advertisedHost'],
      error: 'must be given when host is an address that means every interface: others cannot connect to that',
      when: ({ value }) => isObject(value) && typeof value.host === 'string',
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
    heartbeatMs: milliseconds(10).default(500),
    leaseMs: milliseconds(20).default(3_000),
    departedMs: milliseconds().default(60_000),
    gatherMs: milliseconds(0).default(12_000),
  })
  .refine(...atLeastTwice('leaseMs', 'heartbeatMs'));

const dataLimits = z.strictObject({
  tombstoneMs: milliseconds().default(600_000),
  orphanGraceMs: milliseconds().default(5_000),
  silentGraceMs: milliseconds().default(12_000),
  unreconciledReportMs: milliseconds().default(10_000),
  linkIdleMs: milliseconds(100).optional(),
});

const sessionLimits = z
  .strictObject({
    heartbeatMs: milliseconds(10).default(3_000),
    idleTimeoutMs: milliseconds(20).default(10_000),
    graceMs: milliseconds(0).default(3_000),
    reconnectSpreadMs: milliseconds(0).default(1_000),
    maxConnections: count(1).default(20_000),
    maxConnectionsPerAddress: count(1).default(20_000),
    admissionsPerSecond: count(1).default(5_000),
    drainMs: milliseconds(0).default(15_000),
    movesPerSecond: count(1).default(1_000),
    writeDeadlineMs: milliseconds(10).optional(),
    readDeadlineMs: milliseconds(10).optional(),
    compareMs: milliseconds(100).default(20_000),
    tombstoneMs: milliseconds().default(600_000),
    leaderSilenceMs: milliseconds(100).default(8_000),
  })
  .refine(...atLeastTwice('idleTimeoutMs', 'heartbeatMs'));

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;

const sections = z.strictObject({
  cluster: z
    .strictObject({
      /** Left out, it is the one address of the `meta` section. */
      metaAddresses: addresses.optional(),
      dataCenter: zone.default(DEFAULT_DATA_CENTER),
      slotCount: slotCount.default(256),
      replicas: replicas.default(2),
    })
    .prefault({}),
  meta: tier('meta', { rpcPort: 9610, httpPort: 9615 }, metaLimits.prefault({}))
    .safeExtend({
      /** With an empty folder, this server makes no group and waits to be added to one. */
      join: z.boolean('must be true or false').default(false),
    })
    .prefault({}),
  data: tier('data', { rpcPort: 9620, httpPort: 9622 }, dataLimits.prefault({}))
    .safeExtend({
      /** A copy of what is held is kept on disk, so that a restarted server asks only for what it lacks. */
      warmStart: z.boolean('must be true or false').default(true),
    })
    .prefault({}),
  session: tier('session', { rpcPort: 9600, httpPort: 9603 }, sessionLimits.prefault({}))
    .safeExtend({
      /** Processes that share the ports; 0 for one each core. */
      workers: z.int(workersRule).min(0, workersRule).max(MAX_WORKERS, workersRule).default(1),
      /** The first of two ports that each of several workers has for itself. */
      workerPort: z.int(workerPortRule).min(0, workerPortRule).max(MAX_WORKER_PORT, workerPortRule).default(9660),
    })
    .prefault({}),
  admin: z
    .strictObject({
      token: z.string(TOKEN_RULE).refine(isToken, TOKEN_RULE).meta({ secret: true }).optional(),
      tokenFile: text('must be the path of a file that holds a token a line').optional(),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
      format: z.enum(LOG_FORMATS, `must be one of ${LOG_FORMATS.join(', ')}`).default('auto'),
    })
    .prefault({}),
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
