import { z } from 'zod';
import {
  type RouteDescription,
  dataInfoIdSchema,
  failureSchema,
  localSchema,
  registerIdSchema,
  versionSchema,
} from '#nest';
import { waitsForSchema } from './vocabulary.js';

const afterMs = z.number().optional();
const session = z.string().describe('By its RPC address.');

const origin = {
  acceptedAt: z.string().describe('By the clock of the session server that accepted it.'),
  state: z.enum(['under-way', 'stored', 'accepted', 'failed']),
  version: versionSchema.optional(),
  appliedAfterMs: afterMs,
  clockErrorMs: afterMs.describe('So much may be wrong with times of another server.'),
  storedAfterMs: afterMs,
  told: z.int().optional().describe('Session servers that the leader has told.'),
  failure: failureSchema.optional(),
};

const subscriberSchema = z
  .object({
    connection: z.int(),
    address: z.string(),
    appName: z.string().optional(),
    zone: z.string(),
    subscriptionId: z.string(),
    state: z.enum(['pending', 'pushed', 'acked', 'left']),
    superseded: z.literal(true).optional().describe('It was sent what came of a later change.'),
    pushedAfterMs: afterMs.describe('From the arrival.'),
    ackedAfterMs: afterMs.describe('From the arrival.'),
    waitsFor: waitsForSchema.optional(),
  })
  .meta({ id: 'TracedSubscriber' });

const arrival = {
  version: versionSchema,
  state: z.enum(['taken', 'known', 'awaited']),
  appliedAfterMs: afterMs,
  arrivedAfterMs: afterMs,
  clockErrorMs: afterMs,
  counts: z.object({ pending: z.int(), pushed: z.int(), acked: z.int(), left: z.int() }),
  subscribers: z.array(subscriberSchema),
  more: z.int().optional().describe('Subscribers that are not listed, and not counted.'),
};

const common = { traceId: z.string(), dataInfoId: dataInfoIdSchema, registerId: registerIdSchema };

export const readTrace: RouteDescription = {
  summary: 'The way of a publication that was published with trace: true',
  description: 'Each session server knows its own part; any of them asks the others.',
  path: z.object({ traceId: z.string().describe('As the publisher was answered it.') }),
  query: z.object({ local: localSchema }),
  answers: {
    200: {
      description: 'From its acceptance to each subscriber; with `local=true` the part of this session server.',
      schema: z.union([
        z.object({
          ...common,
          origin: z.object({ session, ...origin }).optional(),
          sessions: z.array(z.object({ session, ...arrival })),
          unanswered: z.array(z.object({ session, reason: z.string() })),
        }),
        z.object({ ...common, origin: z.object(origin).optional(), arrival: z.object(arrival).optional() }),
      ]),
    },
  },
  errors: ['NOT_FOUND', 'NOT_READY'],
};
