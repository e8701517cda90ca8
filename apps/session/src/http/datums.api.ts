import { z } from 'zod';
import type { RouteDescription } from '#nest';
import { NEEDS_A_LEADER, datumSchema, viewQuery } from './vocabulary.js';

export const readDatum: RouteDescription = {
  summary: 'What is published under a name',
  description: 'Under a name that nobody has published there is an empty list.',
  query: z.object(viewQuery),
  answers: { 200: { description: 'The list, at its version.', schema: datumSchema } },
  errors: ['BAD_REQUEST', 'INVALID_NAME', 'INVALID_SCOPE', ...NEEDS_A_LEADER],
};
