import { z } from 'zod';
import type { RouteDescription } from '#nest';
import { drainFields } from './members.api.js';
import { CHANGES, READS, changed, consistencyQuery, idempotencyHeaders, readFields, serverPath } from './vocabulary.js';

const changedSchema = z.object({ changed, ...drainFields });

export const readServerDrain: RouteDescription = {
  summary: 'How far the drain of a data server is',
  path: serverPath,
  query: z.object(consistencyQuery),
  answers: { 200: { description: 'What is left to move.', schema: z.object({ ...drainFields, ...readFields }) } },
  errors: ['INVALID_NAME', 'NOT_FOUND', ...READS],
};

export const drainServer: RouteDescription = {
  summary: 'Move everything off a data server, before it is stopped',
  description: 'The drain holds for whoever is at the address, also after a restart, until it is undone.',
  path: serverPath,
  headers: idempotencyHeaders,
  body: {
    description: 'Nothing, or whether slots may be left with fewer replicas than are configured.',
    schema: z.object({ fewerReplicas: z.boolean().default(false) }),
    example: { fewerReplicas: true },
    optional: true,
  },
  answers: { 200: { description: 'It is committed; what is left to move now is told.', schema: changedSchema } },
  errors: ['NOT_FOUND', 'NOT_DRAINABLE', ...CHANGES],
};

export const undrainServer: RouteDescription = {
  summary: 'Let a data server take slots again',
  path: serverPath,
  headers: idempotencyHeaders,
  answers: { 200: { description: 'It is committed, or it was not drained.', schema: changedSchema } },
  errors: ['NOT_FOUND', ...CHANGES],
};
