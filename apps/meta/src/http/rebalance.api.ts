import { z } from 'zod';
import { type RouteDescription, nameSchema } from '#nest';
import {
  CHANGES,
  READS,
  changedSchema,
  clusterFields,
  consistencyQuery,
  expectedVersion,
  idempotencyHeaders,
  incarnation,
  limitQuery,
  readFields,
  version,
} from './vocabulary.js';

const load = z
  .object({ count: z.int(), fewest: z.int().describe('In balance.'), most: z.int().describe('In balance.') })
  .meta({ id: 'Load' });
const off = z.object({ leads: z.int(), replicas: z.int() }).describe('By how many slots all servers together are off.');
const balance = {
  offBalance: off,
  servers: z.array(
    z
      .object({
        address: z.string().optional(),
        incarnation,
        draining: z.boolean(),
        zone: z.string(),
        weight: z.number(),
        leads: load,
        replicas: load.describe('Those that it leads, follows or is joining.'),
      })
      .meta({ id: 'ServerLoad' }),
  ),
};

/** Servers are named by their addresses. */
const step = { slot: z.int(), expectedLeaderEpoch: z.int() };
const stepFields = [
  { type: z.literal('promote'), ...step, leader: z.string(), reason: z.enum(['leader-gone', 'leader-unfit']) },
  {
    ...{ type: z.literal('begin'), ...step, leader: z.string() },
    reason: z.enum(['unassigned', 'leader-gone', 'leader-unfit']),
  },
  {
    ...{ type: z.literal('join'), ...step, server: z.string() },
    reason: z.enum(['replicas', 'draining', 'zones', 'balance']),
  },
  {
    ...{ type: z.literal('move'), ...step, from: z.string(), to: z.string() },
    reason: z.enum(['draining', 'balance']),
  },
  { type: z.literal('drop'), ...step, server: z.string(), reason: z.enum(['gone', 'draining', 'surplus']) },
];
const planStep = z.union(stepFields.map((fields) => z.object(fields))).meta({ id: 'PlanStep' });
const explainedStep = z
  .union(stepFields.map((fields) => z.object({ ...fields, explanation: z.string() })))
  .meta({ id: 'ExplainedPlanStep' });

const status = {
  ...clusterFields,
  version,
  status: z.enum(['running', 'paused']),
  frozen: z.boolean().describe('So many servers are missed that only leaders are replaced.'),
};
const changes = z.object({ joins: z.int(), leaders: z.int() });

export const readRebalance: RouteDescription = {
  summary: 'What is moved between data servers, and what comes next and why',
  query: z.object({ ...limitQuery, ...consistencyQuery }),
  answers: {
    200: {
      description: 'As it is now.',
      schema: z.object({
        ...status,
        underWay: z.object({ joining: z.int(), slots: z.array(z.object({ slot: z.int(), server: z.string() })) }),
        next: z.object({ steps: z.int(), explained: z.array(explainedStep) }),
        ...balance,
        ...readFields,
      }),
    },
  },
  errors: READS,
};

export const readRebalancePlan: RouteDescription = {
  summary: 'All that is to be moved, as far as can be foreseen: a dry run',
  query: z.object({
    drain: nameSchema.optional().describe('A data server that is to be taken for one that drains.'),
    ...limitQuery,
    ...consistencyQuery,
  }),
  answers: {
    200: {
      description: 'What it takes, and what comes of it.',
      schema: z.object({
        ...status,
        drain: z.string().optional(),
        changes,
        least: changes.describe('With fewer it cannot be done.'),
        rounds: z.int(),
        cost: z.object({
          publicationsCopied: z.int(),
          bytesCopied: z.int(),
          datumsSent: z.int().describe('By new leaders to session servers.'),
          slotsUnknown: z.int().describe('Slots of which it is not known.'),
        }),
        steps: z.object({ count: z.int(), listed: z.array(planStep) }),
        before: z.object(balance),
        after: z.object(balance),
        ...readFields,
      }),
    },
  },
  errors: ['INVALID_NAME', 'NOT_FOUND', ...READS],
};

const change = {
  query: z.object({ expectedVersion }),
  headers: idempotencyHeaders,
  answers: { 200: { description: 'It is committed.', schema: changedSchema } },
  errors: ['VERSION_CONFLICT', ...CHANGES],
} satisfies Partial<RouteDescription>;

export const pauseRebalance: RouteDescription = {
  summary: 'Move nothing for balance from now on',
  description: 'Slots get leaders and lost replicas, and drains go on, as ever.',
  ...change,
};

export const resumeRebalance: RouteDescription = { summary: 'Move for balance again', ...change };
