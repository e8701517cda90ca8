import { z } from 'zod';
import { LIMITS } from '#model';
import { type RouteDescription, datumName, nameSchema } from '#nest';
import { NEEDS_A_LEADER, viewQuery } from './vocabulary.js';

const EVENT_STREAM = 'text/event-stream';

const lastEventId = z
  .string()
  .optional()
  .describe('The id of the last event that was read: what is known already is not sent again.');

export const watch: RouteDescription = {
  summary: 'What is published under one or several names, now and after every change',
  description:
    'Server-sent events. Of each name there is a `snapshot` first, the list as `GET /v1/datums` answers it with its `hash`, and then one for every change; with `deltas=true` a `delta` where only what has changed applies to what was sent before: it leads from the version `from` to `version`, with `publishers` that are new or changed, and the registerIds of those that are `removed`. Comments say `pending` while nothing is known yet, `partial` while an empty list is not complete, `unchanged` when the reader has everything, and `heartbeat`.',
  query: z.object({
    ...viewQuery,
    dataId: z
      .union([datumName.dataId, z.array(nameSchema).max(LIMITS.watchedDataIds)])
      .describe(`One, or up to ${LIMITS.watchedDataIds} by naming it several times.`)
      .meta({ example: 'hello' }),
    deltas: z.enum(['true', 'false']).default('false').describe('Send only what has changed, where that can be.'),
  }),
  headers: z.object({ 'last-event-id': lastEventId }),
  answers: { 200: { description: 'Events, until one side ends.', type: EVENT_STREAM, schema: z.string() } },
  errors: ['BAD_REQUEST', 'INVALID_NAME', 'INVALID_SCOPE', ...NEEDS_A_LEADER],
};

export const watchConfig: RouteDescription = {
  summary: 'A configuration value, now and after every change',
  description:
    'Server-sent events called `config`, of which each is the value with its version; without a `value` there is none. A comment says `pending` while it is not known.',
  path: z.object({ key: nameSchema.meta({ example: 'greeting' }) }),
  headers: z.object({ 'last-event-id': lastEventId }),
  answers: { 200: { description: 'Events, until one side ends.', type: EVENT_STREAM, schema: z.string() } },
  errors: ['INVALID_NAME', ...NEEDS_A_LEADER],
};
