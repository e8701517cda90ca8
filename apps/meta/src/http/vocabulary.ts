import { z } from 'zod';
import { type Code, LIMITS } from '#model';
import { nameSchema } from '#nest';

/** How long the lists of the replicated state may be; all of one is a page unless less is asked for. */
const ITEMS_MOST = 16_384;

/** How a linearizable read can fail, and be sent again. */
export const READS: readonly Code[] = [
  ...(['BAD_REQUEST', 'NO_LEADER', 'NOT_LEADER', 'NOT_READY', 'OVERLOADED'] as const),
  ...(['DEADLINE_EXCEEDED', 'CONNECTION_CLOSED', 'SHUTTING_DOWN', 'STORE_FAILED'] as const),
];

/** How any change can fail. */
export const CHANGES: readonly Code[] = [
  ...(['BAD_REQUEST', 'INVALID_NAME', 'NO_LEADER', 'NOT_READY', 'OVERLOADED', 'OUTCOME_UNKNOWN'] as const),
  'SHUTTING_DOWN',
];

export const consistencyQuery = {
  consistency: z
    .enum(['linearizable', 'stale'])
    .default('linearizable')
    .describe(
      '`linearizable` is as of now, from the leader. `stale` is what the asked server has, and says how old that is.',
    ),
  maxAgeMs: z.int().min(0).optional().describe('With `stale`: refused where it may be older.'),
};

export const pageQuery = {
  limit: z.int().min(1).max(ITEMS_MOST).default(ITEMS_MOST).describe('How many a page has at most.'),
  after: z.string().optional().describe('The `next` of the page before.'),
};

export const limitQuery = {
  limit: z.int().min(0).max(10_000).default(20).describe('How many steps are listed; all are counted.'),
};

export const expectedVersion = z
  .int()
  .min(0)
  .optional()
  .describe('Refused with `VERSION_CONFLICT` where it is another.');

export const idempotencyHeaders = z.object({
  'idempotency-key': nameSchema
    .optional()
    .describe(
      'Who got no answer may repeat the request with the same key: the change is made once. A key is for one change.',
    ),
});

/** Beside what a read answers. */
export const readFields = {
  ageMs: z
    .number()
    .nullable()
    .optional()
    .describe('With `stale`: how old it is at most, or null where that is not known.'),
};

export const nextField = { next: z.string().optional().describe('For the page behind this; left out with the last.') };

export const clusterFields = {
  clusterId: z.string(),
  epoch: z.int().describe('Of the table, which rises with every change of it.'),
};

export const version = z.int().min(0).describe('Rises by one with every change; 0 until the first.');
export const changed = z.boolean().describe('False where everything stood so already.');
export const changedSchema = z
  .object({ version: z.int().describe('Of what it was about.'), changed })
  .describe('It is committed.')
  .meta({ id: 'Changed' });

export const incarnation = z.string().describe('A random id that the process picks at its start.');
export const role = z.enum(['data', 'session']);
export const address = z.string().describe('Of its RPC port, as host:port.');
export const key = nameSchema.describe(`Up to ${LIMITS.nameBytes} bytes.`).meta({ example: 'greeting' });

/** A server, by its address or incarnation, in a path. */
export const serverPath = z.object({
  server: nameSchema
    .describe('A data server, by its RPC address or its incarnation.')
    .meta({ example: '127.0.0.1:9620' }),
});
