import { z } from 'zod';
import { type Scope, DEFAULT_GROUP, DEFAULT_INSTANCE_ID, LIMITS, SCOPES, SEPARATOR } from '#model';

/** Words that routes of several tiers have in common. */
export const nameSchema = z.string().min(1).max(LIMITS.nameBytes);

/** The name of a datum as parameters, or as fields of a body. */
export const datumName = {
  dataId: nameSchema
    .describe(
      `The name of what is published: up to ${LIMITS.nameBytes} bytes, without control characters and ${SEPARATOR}.`,
    )
    .meta({ example: 'hello' }),
  group: nameSchema.default(DEFAULT_GROUP).describe('Parts the names within an instance.'),
  instanceId: nameSchema.default(DEFAULT_INSTANCE_ID).describe('The tenant: instances share nothing.'),
};

export const dataInfoIdSchema = z
  .string()
  .describe(`dataId, instanceId and group as one: \`dataId${SEPARATOR}instanceId${SEPARATOR}group\`.`);

export const versionSchema = z
  .string()
  .regex(/^\d+\.\d+$/)
  .describe('The version of a datum: opaque, and never decreasing within a cluster.');

export const registerIdSchema = z
  .string()
  .describe(`Names one publication. Up to ${LIMITS.registerIdBytes} bytes; opaque where a server made it.`);

export const zoneSchema = nameSchema.describe('Where it is: an availability zone, a rack, a room.');

export const scopeSchema = z
  .enum(SCOPES as [Scope, ...Scope[]])
  .default('dataCenter')
  .describe('What is seen: what is published in the zone, in the data center of the cluster, or anywhere.');
