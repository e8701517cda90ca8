import { z } from 'zod';
import { type RouteDescription, failureSchema } from '#nest';
import { READS, consistencyQuery } from './vocabulary.js';

const node = z.string().describe('A meta server, by its RPC address.');
const configurationSchema = z
  .object({
    voters: z.array(node),
    outgoing: z.array(node).optional().describe('While it changes: the voters before.'),
    learners: z.array(node),
    era: z.int().optional().describe('Rises when a group goes on after a recovery.'),
  })
  .meta({ id: 'RaftConfiguration' });

export const readRaftStatus: RouteDescription = {
  summary: 'What the asked meta server knows of the Raft group',
  description: 'On one that does not lead it may be old.',
  answers: {
    200: {
      description: 'As it stands.',
      schema: z.object({
        id: node,
        role: z.enum(['follower', 'preCandidate', 'candidate', 'leader', 'learner']),
        term: z.int(),
        leader: node.nullable(),
        commit: z.int(),
        applied: z.int(),
        first: z.int().describe('Of the log.'),
        last: z.int().describe('Of the log.'),
        configuration: configurationSchema,
        peers: z
          .array(
            z.object({
              id: node,
              state: z.enum(['probe', 'replicate', 'snapshot']),
              matched: z.int(),
              active: z.boolean(),
            }),
          )
          .describe('On the leader: what it knows of each.'),
        snapshotIndex: z.int(),
        stateAgeMs: z.number().nullable().describe('How old its state is at most; null where that is not known.'),
        failure: failureSchema.optional().describe('Why it has stopped for good.'),
      }),
    },
  },
};

const changed = {
  200: {
    description: 'It is done.',
    schema: z.object({ by: node.describe('The meta server that led then.'), configuration: configurationSchema }),
  },
};
const errors = [...READS, 'OUTCOME_UNKNOWN'] as const;
/** None listens there after `npm start`, so it is a learner that lags, and can be removed again. */
const OTHER = '127.0.0.1:9711';

export const addLearner: RouteDescription = {
  summary: 'Add a meta server that catches up and does not vote',
  body: { description: 'The one to add.', schema: z.object({ node }), example: { node: OTHER } },
  answers: changed,
  errors,
};

export const promoteLearner: RouteDescription = {
  summary: 'Make a voter of a learner that has caught up',
  description: 'Until it has it is refused with `NOT_READY`.',
  body: { description: 'The one to promote.', schema: z.object({ node }), example: { node: OTHER } },
  answers: changed,
  errors,
};

export const removeNode: RouteDescription = {
  summary: 'Remove a meta server from the group',
  path: z.object({ node: node.meta({ example: OTHER }) }),
  answers: changed,
  errors,
};

export const transferLeadership: RouteDescription = {
  summary: 'Let another voter lead',
  body: { description: 'The one to lead.', schema: z.object({ node }), example: { node: '127.0.0.1:9610' } },
  answers: changed,
  errors,
};

export const takeSnapshot: RouteDescription = {
  summary: 'Take a snapshot of the state on the asked meta server',
  answers: {
    200: { description: 'It is on disk.', schema: z.object({ index: z.int().describe('Up to which it goes.') }) },
  },
  errors: ['OVERLOADED', 'SHUTTING_DOWN', 'STORE_FAILED'],
};

export const readBackup: RouteDescription = {
  summary: 'The replicated state as one file',
  description:
    'Everything acknowledged before the request is in it, unless `consistency=stale` lets a server answer that cannot ask a leader.',
  query: z.object(consistencyQuery),
  answers: {
    200: { description: 'The file.', type: 'application/octet-stream', schema: z.string().meta({ format: 'binary' }) },
  },
  errors: READS,
};
