import { z } from 'zod';
import type { RouteDescription } from '../openapi/described.js';

const ok = z.object({ status: z.literal('ok') });

export const readLiveness: RouteDescription = {
  summary: 'Whether the process answers',
  description: 'Where it does not, restart it.',
  answers: { 200: { description: 'It does.', schema: ok } },
};

export const readReadiness: RouteDescription = {
  summary: 'Whether it serves, so that it can be sent work',
  answers: { 200: { description: 'It does.', schema: ok } },
  errors: ['NOT_READY'],
};
