import { z } from 'zod';
import type { Code } from '#model';
import { datumName, dataInfoIdSchema, registerIdSchema, scopeSchema, versionSchema, zoneSchema } from '#nest';
import { DEFAULT_ZONE, type WaitsFor } from '#registry';

/** How a request that needs the leader of a slot can fail, and be sent again. */
export const NEEDS_A_LEADER: readonly Code[] = [
  ...(['NOT_READY', 'NO_LEADER', 'PENDING', 'OVERLOADED', 'SHUTTING_DOWN', 'CONNECTION_CLOSED'] as const),
];

/** What is refused while operators have it switched off. */
export const SWITCHED_OFF: readonly Code[] = ['READ_ONLY', 'BLACKLISTED'];

/** A view: a datum through a filter. */
export const viewQuery = {
  ...datumName,
  scope: scopeSchema,
  zone: zoneSchema.default(DEFAULT_ZONE).describe('That of the reader, for the scope `zone`.'),
};

export const publisherSchema = z
  .looseObject({
    registerId: registerIdSchema,
    zone: zoneSchema,
    appName: z.string().describe('The application that published it; empty where it did not say.'),
    registerTimestamp: z.number().int().describe('When it was registered, by the clock of the publisher.'),
    data: z.array(z.string()).describe('What was published, as it was: opaque to servers.'),
  })
  .describe('One publication. Fields that its publisher added stand beside these.')
  .meta({ id: 'Publisher' });

export const clusterIdSchema = z.string().describe('Of the cluster: versions of another cannot be compared.');

export const datumSchema = z
  .object({
    dataInfoId: dataInfoIdSchema,
    clusterId: clusterIdSchema,
    version: versionSchema,
    partial: z
      .literal(true)
      .optional()
      .describe('The list is not complete yet: that something is missing says nothing.'),
    publishers: z.array(publisherSchema),
    temporary: z.array(publisherSchema).optional().describe('Temporary publications, told this once.'),
    next: z.string().optional().describe('Where a page was asked for: the `after` of the one behind it.'),
  })
  .meta({ id: 'Datum' });

export const waitsForSchema = z
  .enum([
    ...(['push-stop', 'slow-reader', 'circuit-open', 'earlier-push'] as const),
    ...(['merge-window', 'complete-answer', 'push', 'acknowledgement'] as const),
  ] satisfies WaitsFor[])
  .meta({ id: 'WaitsFor' });
