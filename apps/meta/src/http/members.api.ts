import { z } from 'zod';
import type { RouteDescription } from '#nest';
import {
  READS,
  address,
  clusterFields,
  consistencyQuery,
  incarnation,
  nextField,
  pageQuery,
  readFields,
  role,
} from './vocabulary.js';

const memberSchema = z
  .object({
    role,
    incarnation,
    address,
    httpAddress: z.string().describe('Of its HTTP port, as host:port.'),
    zone: z.string(),
    weight: z.number().describe('Its capacity, compared with others.'),
    featureLevel: z.int().optional().describe('The highest that it supports.'),
    diskId: z.string().optional().describe('Of a data server: which folder it has.'),
  })
  .meta({ id: 'Member' });

const departedSchema = z
  .object({
    role,
    incarnation,
    cause: z
      .enum(['left', 'expired', 'refused', 'replaced'])
      .describe('By itself; its lease ended; nobody listens at its address; another is at its address.'),
    outOf: z.int().optional().describe('Of one that was lost: how many its role had with it.'),
  })
  .meta({ id: 'DepartedMember' });

/** While it stands nothing is removed because a server is gone. */
export const protectionFields = {
  role,
  sinceEpoch: z.int(),
  expected: z.int().describe('It ends with so many members of the role.'),
};

/** How far the drain of a data server is. */
export const drainFields = {
  address,
  incarnation: incarnation.nullable(),
  draining: z.boolean(),
  left: z.object({ leads: z.int(), follows: z.int(), joins: z.int() }).describe('Slots that are still to leave it.'),
  safeToStop: z.boolean().describe('No slot would miss it, and none will be given to it.'),
};

export const readMembers: RouteDescription = {
  summary: 'The data and session servers of the cluster',
  query: z.object({ role: role.optional().describe('Only these.'), ...pageQuery, ...consistencyQuery }),
  answers: {
    200: {
      description: 'Who is there, and who has left within the last minute.',
      schema: z.object({
        ...clusterFields,
        featureLevel: z.int().describe('What all of them support.'),
        members: z.array(memberSchema),
        departed: z.array(departedSchema),
        protections: z.array(z.object(protectionFields)),
        drains: z.array(z.object(drainFields)),
        ...nextField,
        ...readFields,
      }),
    },
  },
  errors: READS,
};

export const readLeader: RouteDescription = {
  summary: 'The meta server that leads',
  description: 'Asked for linearizably, it has just proved so.',
  query: z.object(consistencyQuery),
  answers: {
    200: {
      description: 'Who leads, by the RPC address.',
      schema: z.object({ leader: z.string().nullable(), term: z.int(), ...readFields }),
    },
  },
  errors: READS,
};
