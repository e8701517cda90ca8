import { z } from 'zod';
import { LIMITS } from '#model';
import { type RouteDescription, nameSchema } from '#nest';
import {
  CHANGES,
  READS,
  changedSchema,
  consistencyQuery,
  expectedVersion,
  idempotencyHeaders,
  key,
  nextField,
  pageQuery,
  readFields,
} from './vocabulary.js';

const version = z.int().describe('One count for all values, which rises with every change of any.');
const value = z.string().describe(`Up to ${LIMITS.configValueBytes} bytes.`);

export const readConfigKeys: RouteDescription = {
  summary: 'The keys of all configuration values',
  description: 'Without the values, which together may be too much for one answer.',
  query: z.object({ prefix: nameSchema.optional().describe('Of the key.'), ...pageQuery, ...consistencyQuery }),
  answers: {
    200: {
      description: 'The keys, in their order.',
      schema: z.object({
        version,
        bytes: z.int().describe('Of all values.'),
        values: z.array(z.object({ key: z.string(), version: z.int(), bytes: z.int() })),
        ...nextField,
        ...readFields,
      }),
    },
  },
  errors: ['INVALID_NAME', ...READS],
};

export const readConfig: RouteDescription = {
  summary: 'A configuration value',
  path: z.object({ key }),
  query: z.object(consistencyQuery),
  answers: {
    200: {
      description: 'The value, and the version at which it was set.',
      schema: z.object({ key: z.string(), value, version: z.int(), ...readFields }),
    },
  },
  errors: ['INVALID_NAME', 'NOT_FOUND', ...READS],
};

export const setConfig: RouteDescription = {
  summary: 'Set a configuration value',
  description: 'Clients that watch it are told.',
  path: z.object({ key }),
  query: z.object({ expectedVersion }),
  headers: idempotencyHeaders,
  body: { description: 'The value.', schema: z.object({ value }), example: { value: 'hello' } },
  answers: { 200: { description: 'It is committed.', schema: changedSchema } },
  errors: ['VERSION_CONFLICT', 'CONFIG_TOO_LARGE', ...CHANGES],
};

export const deleteConfig: RouteDescription = {
  summary: 'Delete a configuration value',
  description: 'Also a success where there is none, unless a version was expected.',
  path: z.object({ key }),
  query: z.object({ expectedVersion }),
  headers: idempotencyHeaders,
  answers: { 200: { description: 'It is committed.', schema: changedSchema } },
  errors: ['VERSION_CONFLICT', ...CHANGES],
};
