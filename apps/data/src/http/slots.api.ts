import { z } from 'zod';
import { type RouteDescription, causeSchema, nextSchema, stampSchema } from '#nest';

const count = z.int().min(0);
const incarnation = z.string().describe('Of a server: a random id that it picks at its start.');
const agreedAgoMs = z.number().describe('How long ago it was last found to hold the same.');
const hash = z.string().describe('Of everything live: equal where replicas hold the same.');

/** As many as there can be: all of them are one page unless less is asked for. */
const SLOTS_MOST = 16_384;

const ledSchema = z
  .object({
    slot: z.int(),
    leaderEpoch: z.int(),
    sequence: z.int(),
    complete: z.boolean().describe('Everybody who may have something for the slot has brought it.'),
    waitingFor: z.array(incarnation).describe('Session servers that have not.'),
    datums: count,
    publications: count,
    hash,
    tombstones: count,
    followers: z.array(
      z.object({
        incarnation,
        streaming: z.boolean().describe('False while it is still being given what differs.'),
        operations: count.describe('Which it lacks.'),
        lagMs: z.number(),
        agreedAgoMs: agreedAgoMs.optional(),
      }),
    ),
    sessions: z.array(z.object({ incarnation, agreedAgoMs })),
  })
  .meta({ id: 'LedSlot' });

const followedSchema = z
  .object({
    slot: z.int(),
    leader: incarnation,
    leaderEpoch: z.int(),
    position: z.int().optional().describe('Left out while what differs is still coming.'),
    publications: count,
    hash,
  })
  .meta({ id: 'FollowedSlot' });

export const readHeldSlots: RouteDescription = {
  summary: 'The slots that this data server leads, and those that it follows',
  query: z.object({
    limit: z.int().min(1).max(SLOTS_MOST).default(SLOTS_MOST).describe('How many slots a page has at most.'),
    after: z.string().optional().describe('The `next` of the page before.'),
  }),
  answers: {
    200: {
      description: 'How complete they are, and how far followers are behind.',
      schema: z.object({ slots: z.array(ledSchema), following: z.array(followedSchema), next: nextSchema }),
    },
  },
  errors: ['BAD_REQUEST', 'NOT_READY'],
};

export const readStats: RouteDescription = {
  summary: 'What this data server holds, in numbers',
  answers: {
    200: {
      description: 'As it is now.',
      schema: z.object({
        ...{ slotsLed: count, slotsPartial: count, slotsFollowed: count, datums: count, publications: count },
        tombstones: count,
        sessionLinks: count,
        divergencesFound: count.describe('Comparisons with followers and session servers that failed.'),
        divergencesRepaired: count,
        publicationsAskedFor: count,
        publicationsCopied: count,
        removals: z.record(z.string(), count).describe('Publications that have left the slots led here, by why.'),
        slotsWriting: count.describe('Slots whose persistent publications are being written.'),
        diskFailed: z.boolean(),
        warm: z.object({ loaded: count, confirmed: count, dropped: count, pending: count, failures: count }),
      }),
    },
  },
  errors: ['NOT_READY'],
};

export const readSlotRemovals: RouteDescription = {
  summary: 'The latest disappearances in a slot that is held here',
  path: z.object({ slot: z.int().min(0).meta({ example: 0 }) }),
  answers: {
    200: {
      description: 'The newest first: who asked for each, when, and why.',
      schema: z.object({
        slot: z.int(),
        removals: z.array(
          z.object({
            ...{ dataId: z.string(), group: z.string(), instanceId: z.string(), registerId: z.string() },
            cause: causeSchema,
            by: z.string().describe('The incarnation of a session server, or `leader` or `operator`.'),
            agoMs: z.int(),
            stamp: stampSchema,
          }),
        ),
      }),
    },
  },
  errors: ['NOT_FOUND', 'NOT_READY'],
};
