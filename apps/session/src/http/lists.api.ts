import { z } from 'zod';
import {
  type RouteDescription,
  localSchema,
  nameFilters,
  nameSchema,
  paging,
  registerIdSchema,
  removalFilters,
} from '#nest';
import { connectionsPage, publishersPage, removalsPage, subscribersPage } from './lists.vocabulary.js';

const ERRORS: RouteDescription['errors'] = ['BAD_REQUEST', 'INVALID_NAME', 'NOT_READY', 'OVERLOADED'];

const ofClients = {
  appName: nameSchema.optional().describe('The application.'),
  address: nameSchema.optional().describe('Which the client connects from, without a port.'),
  zone: nameSchema.optional(),
  local: localSchema,
};
const connection = z.string().optional().describe('The number of the connection on its session server.');

export const listConnections: RouteDescription = {
  summary: 'The clients that are connected',
  query: z.object({ ...paging, ...ofClients }),
  answers: { 200: { description: 'A page, in the order of their numbers.', schema: connectionsPage } },
  errors: ERRORS,
};

export const listSubscribers: RouteDescription = {
  summary: 'Who subscribes to what, what it was told, and what keeps the rest',
  query: z.object({ ...paging, ...nameFilters, ...ofClients, connection }),
  answers: { 200: { description: 'A page, by slots and names.', schema: subscribersPage } },
  errors: ERRORS,
};

export const listPublishers: RouteDescription = {
  summary: 'What clients have registered',
  description: 'Persistent publications live on data servers, and no session server holds them.',
  query: z.object({ ...paging, ...nameFilters, ...ofClients, connection, registerId: registerIdSchema.optional() }),
  answers: { 200: { description: 'A page, by slots and names.', schema: publishersPage } },
  errors: ERRORS,
};

export const listRemovals: RouteDescription = {
  summary: 'What has disappeared lately: who, when and why',
  query: z.object({ ...paging, ...removalFilters }),
  answers: { 200: { description: 'A page, from the newest to the oldest.', schema: removalsPage } },
  errors: ERRORS,
};

export const listClients: RouteDescription = {
  summary: 'Whose connections those are, or were',
  description:
    'Servers ask each other, for the disappearances. Connections that have ended are known for some thousand others.',
  query: z.object({
    session: z
      .string()
      .describe('The incarnation that is meant: connections of another are not known.')
      .meta({ example: 'x' }),
    connections: z.string().describe('Their numbers, with commas; 1,000 at most.').meta({ example: '1,2' }),
  }),
  answers: {
    200: {
      description: 'Those that are known.',
      schema: z.object({
        clients: z.array(z.object({ connection: z.number().int(), address: z.string(), appName: z.string() })),
      }),
    },
  },
  errors: ['BAD_REQUEST', 'NOT_READY'],
};
