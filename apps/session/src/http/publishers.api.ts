import { z } from 'zod';
import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, LIMITS, leasedRegisterId, toDataInfoId } from '#model';
import {
  type RouteDescription,
  dataInfoIdSchema,
  datumName,
  failureSchema,
  registerIdSchema,
  versionSchema,
  zoneSchema,
} from '#nest';
import { DEFAULT_ZONE } from '#registry';
import { NEEDS_A_LEADER, SWITCHED_OFF } from './vocabulary.js';

const leaseMs = z.number().int().min(LIMITS.minLeaseMs).max(LIMITS.maxLeaseMs);
const expiresInMs = z.number().describe('When it ends, unless it is renewed again.');

/** What the examples are about: once the one has been published, the others work as well. */
const EXAMPLE = { dataId: 'hello', registerId: 'me', data: ['http://127.0.0.1:8080'], leaseMs: 60_000 };
const EXAMPLE_ID = leasedRegisterId(
  toDataInfoId({ dataId: EXAMPLE.dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID }),
  EXAMPLE.registerId,
);
const byId = z.object({
  registerId: registerIdSchema.describe('As it was answered to who published it.').meta({ example: EXAMPLE_ID }),
});

const publicationSchema = z
  .looseObject({
    ...datumName,
    data: z
      .array(z.string())
      .max(LIMITS.dataStrings)
      .describe(
        `Strings that servers hand on as they are, by convention URLs: together up to ${LIMITS.dataBytes} bytes.`,
      ),
    registerId: z
      .string()
      .optional()
      .describe('A name of your own, or the one answered before: who publishes under it again replaces what it had.'),
    zone: zoneSchema.default(DEFAULT_ZONE),
    appName: z.string().default('').describe('The application that publishes.'),
    leaseMs: leaseMs.default(LIMITS.defaultLeaseMs).describe('It ends unless it is renewed before.'),
    persistent: z.boolean().default(false).describe('It has no lease, and stays until it is removed.'),
    temporary: z.boolean().default(false).describe('Whoever watches is told once, and nothing is kept.'),
    trace: z.boolean().default(false).describe('Its way is noted, for `/v1/traces`.'),
    replay: z.boolean().default(false).describe('It was published before, and is published again without a change.'),
    registerTimestamp: z.number().int().min(0).optional().describe('When it was registered, by your clock.'),
  })
  .describe('Fields beside these are handed on to subscribers.');

const stored = {
  registerId: registerIdSchema,
  dataInfoId: dataInfoIdSchema,
  version: versionSchema,
  traceId: z.string().optional().describe('For `/v1/traces`, where `trace` was asked for.'),
  state: z.literal('stored'),
};

export const publish: RouteDescription = {
  summary: 'Publish for as long as a lease is renewed, or until it is removed',
  body: {
    description: 'What to publish.',
    schema: publicationSchema,
    example: EXAMPLE,
  },
  answers: {
    201: {
      description: 'It is stored, or, if it was temporary, told.',
      schema: z.union([
        z.object({ ...stored, leaseMs }),
        z.object({ ...stored, persistent: z.literal(true) }),
        z.object({ registerId: registerIdSchema, dataInfoId: dataInfoIdSchema, state: z.literal('announced') }),
      ]),
    },
  },
  errors: [
    ...(['INVALID_NAME', 'DATA_TOO_LARGE', 'STALE_REGISTRATION', 'NOT_DURABLE', 'OUTCOME_UNKNOWN'] as const),
    ...[...SWITCHED_OFF, ...NEEDS_A_LEADER],
  ],
};

export const renewLease: RouteDescription = {
  summary: 'Renew the lease of a publication',
  description: 'Any session server takes it. The example renews what that of `publish` has published.',
  path: byId,
  answers: {
    200: {
      description: 'It is renewed.',
      schema: z.object({ expiresInMs }),
    },
  },
  errors: ['NOT_REGISTERED', ...NEEDS_A_LEADER],
};

const renewed = z.object({ status: z.literal('renewed'), registerId: registerIdSchema, expiresInMs });
const notRenewed = z.object({ status: z.literal('failed'), registerId: registerIdSchema, failure: failureSchema });

export const renewLeases: RouteDescription = {
  summary: 'Renew many leases at a time',
  body: {
    description: `Up to ${LIMITS.operationsPerApply}. The example renews what that of \`publish\` has published.`,
    schema: z.object({ registerIds: z.array(registerIdSchema).max(LIMITS.operationsPerApply) }),
    example: { registerIds: [EXAMPLE_ID] },
  },
  answers: {
    200: {
      description: 'What became of each, in their order.',
      schema: z.object({ results: z.array(z.union([renewed, notRenewed])) }),
    },
  },
};

export const unpublish: RouteDescription = {
  summary: 'Remove a publication',
  description:
    'What is not there is removed too. Publications of connected clients are theirs, and cannot be removed here.',
  path: byId,
  answers: { 204: { description: 'It is not there.' } },
  errors: ['NOT_DURABLE', 'OUTCOME_UNKNOWN', 'STALE_REGISTRATION', ...SWITCHED_OFF, ...NEEDS_A_LEADER],
};
