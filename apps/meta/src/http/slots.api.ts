import { z } from 'zod';
import { type RouteDescription, nameSchema, namedServer } from '#nest';
import {
  CHANGES,
  READS,
  changedSchema,
  clusterFields,
  consistencyQuery,
  idempotencyHeaders,
  nextField,
  pageQuery,
  readFields,
} from './vocabulary.js';

const slotSchema = z
  .object({
    slot: z.int(),
    leader: namedServer.nullable(),
    leaderEpoch: z.int().describe('Rises whenever the leader changes; 0 until the first.'),
    begun: z.boolean().optional().describe('The leader began from nothing at this leaderEpoch.'),
    durable: z.boolean().optional().describe('It has held persistent publications, so it waits for one of its disks.'),
    disks: z.array(z.string()).optional().describe('Those that have everything persistent that was acknowledged.'),
    followers: z.array(namedServer).describe('Which are complete.'),
    joining: z.array(namedServer).describe('Which are catching up.'),
  })
  .meta({ id: 'Slot' });

export const readSlots: RouteDescription = {
  summary: 'Who leads and who follows in each slot',
  query: z.object({
    server: nameSchema.optional().describe('Only those of a data server, by its RPC address or its incarnation.'),
    ...pageQuery,
    ...consistencyQuery,
  }),
  answers: {
    200: {
      description: 'The slots, in their order.',
      schema: z.object({
        ...clusterFields,
        replicas: z.int().describe('How many each is to have, the leader included.'),
        slots: z.array(slotSchema),
        ...nextField,
        ...readFields,
      }),
    },
  },
  errors: ['INVALID_NAME', ...READS],
};

export const abandonSlot: RouteDescription = {
  summary: 'Let a slot that waits for its disks begin anew without them',
  description:
    'The persistent publications in it are given up: none of its `disks` is coming back. Where it does not wait, or has been led since, nothing is changed.',
  path: z.object({ slot: z.int().min(0).meta({ example: 0 }) }),
  headers: idempotencyHeaders,
  body: {
    description: 'The leaderEpoch at which the slot was seen to wait.',
    schema: z.object({ leaderEpoch: z.int().min(0) }),
    example: { leaderEpoch: 1 },
  },
  answers: { 200: { description: 'It is committed.', schema: changedSchema } },
  errors: CHANGES,
};
