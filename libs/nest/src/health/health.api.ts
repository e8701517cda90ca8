import { z } from 'zod';
import type { RouteDescription } from '../openapi/described.js';

const ok = z.object({ status: z.literal('ok') });
const allHold = ok.extend({
  checks: z.record(z.string(), z.object({ status: z.literal('up') })).describe('What had to hold for it, by name.'),
});

export const readLiveness: RouteDescription = {
  summary: 'Whether the process answers',
  description: 'Where it does not, restart it.',
  answers: { 200: { description: 'It does.', schema: ok } },
};

export const readStartup: RouteDescription = {
  summary: 'Whether the process has started',
  description: 'It waits for no other server. One that does not get there in a minute or two has to be looked at.',
  answers: { 200: { description: 'It has.', schema: allHold } },
  errors: ['NOT_READY'],
};

export const readReadiness: RouteDescription = {
  summary: 'Whether it would serve a user now, so that it can be sent some',
  description:
    'Where it would not, `details.waitingFor` says what it waits for, and `details.checks` what holds and what does not. A ' +
    'server that is about to stop says so first, and serves on for `stopDelayMs`.',
  answers: { 200: { description: 'It would.', schema: allHold } },
  errors: ['NOT_READY'],
};
