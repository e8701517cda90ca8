import { z } from 'zod';
import { LIMITS, type Switches } from '#model';
import { type RouteDescription, dataInfoIdSchema, nameSchema, registerIdSchema } from '#nest';
import {
  CHANGES,
  READS,
  changedSchema,
  consistencyQuery,
  expectedVersion,
  idempotencyHeaders,
  readFields,
  version,
} from './vocabulary.js';

const addresses = z.array(z.string()).max(LIMITS.switchEntries).describe('Of clients, without a port.');
const windowMs = z.int().min(0).max(LIMITS.pushWindowMs).optional();

const switchesSchema = z
  .object({
    stopPush: z
      .discriminatedUnion('scope', [
        z.object({ scope: z.literal('none') }),
        z.object({ scope: z.literal('all') }),
        z.object({ scope: z.literal('zones'), zones: z.array(nameSchema).max(LIMITS.switchEntries) }),
        z.object({ scope: z.literal('addresses'), addresses }),
        z.object({ scope: z.literal('gray'), addresses }),
      ])
      .describe('For whom pushes are held back; `gray` is for everybody but these.'),
    readOnly: z.boolean().describe('No new publications are taken, and no removals; pushes go on.'),
    clientsOff: addresses.describe('What clients publish from these addresses is in nobody’s view.'),
    publicationsOff: z
      .array(z.object({ dataInfoId: dataInfoIdSchema, registerId: registerIdSchema }))
      .describe('These are in nobody’s view.'),
    blacklist: z
      .array(z.string())
      .max(LIMITS.switchEntries)
      .describe(
        'dataIds and dataInfoIds: nothing new is published under them, and what there is, is in nobody’s view.',
      ),
    pushWindow: z
      .object({ minMs: windowMs, maxMs: windowMs })
      .describe('Bounds of the time for which changes of a view are merged.'),
  } satisfies Record<keyof Switches, z.ZodType>)
  .meta({ id: 'Switches' });

export const readSwitches: RouteDescription = {
  summary: 'What is switched in the whole cluster',
  query: z.object(consistencyQuery),
  answers: {
    200: {
      description: 'All switches.',
      schema: z.object({ version, switches: switchesSchema, ...readFields }),
    },
  },
  errors: READS,
};

export const setSwitches: RouteDescription = {
  summary: 'Switch something in the whole cluster',
  description: 'Those that the body does not name stay as they are. Members are told as soon as it is committed.',
  query: z.object({ expectedVersion }),
  headers: idempotencyHeaders,
  body: {
    description: 'The switches that are to change.',
    schema: switchesSchema.partial(),
    example: { readOnly: false },
  },
  answers: { 200: { description: 'It is committed.', schema: changedSchema } },
  errors: ['VERSION_CONFLICT', 'UNSUPPORTED_LEVEL', ...CHANGES],
};
