import { z } from 'zod';
import type { RouteDescription } from '#nest';

const schema = z
  .object({
    draining: z.boolean(),
    clients: z.int().describe('Connections that are served.'),
    untold: z.int().describe('Of these, those that have not been asked to go yet.'),
    elsewhere: z.int().describe('Session servers to go to.'),
    safeToStop: z.boolean().describe('It is drained, and nobody is left whom a stop would disconnect.'),
  })
  .meta({ id: 'SessionDrain' });

export const readDrain: RouteDescription = {
  summary: 'How far the drain of this session server is',
  answers: { 200: { description: 'As it is now.', schema } },
  errors: ['NOT_READY'],
};

export const drain: RouteDescription = {
  summary: 'Send the clients of this session server to others, before it is stopped',
  description: 'Answered when it has begun. Without another session server there is no drain.',
  answers: { 200: { description: 'It has begun, or had already.', schema } },
  errors: ['NOT_DRAINABLE', 'NOT_READY'],
};

export const undrain: RouteDescription = {
  summary: 'Let this session server take clients again',
  answers: { 200: { description: 'It does.', schema } },
  errors: ['NOT_READY'],
};
