import { z } from 'zod';
import type { RouteDescription } from '#nest';
import { protectionFields } from './members.api.js';
import {
  CHANGES,
  READS,
  changed,
  clusterFields,
  consistencyQuery,
  idempotencyHeaders,
  readFields,
  role,
} from './vocabulary.js';

const fields = {
  ...clusterFields,
  protections: z
    .array(z.object({ ...protectionFields, present: z.int().describe('So many are there.') }))
    .describe('At most one for each role; none in calm times.'),
};

export const readProtection: RouteDescription = {
  summary: 'Whether so many servers are missed that nothing is removed on their account',
  query: z.object(consistencyQuery),
  answers: { 200: { description: 'What is protected.', schema: z.object({ ...fields, ...readFields }) } },
  errors: READS,
};

export const confirmLoss: RouteDescription = {
  summary: 'Say that the servers that are missed are not coming back',
  description: 'It says so of what stands now, and of nothing that begins meanwhile.',
  headers: idempotencyHeaders,
  body: {
    description: 'Nothing, or of which role the loss is confirmed.',
    schema: z.object({ role: role.optional() }),
    example: { role: 'data' },
    optional: true,
  },
  answers: { 200: { description: 'It is committed.', schema: z.object({ changed, ...fields }) } },
  errors: [...CHANGES, ...READS],
};
