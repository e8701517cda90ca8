import { z } from 'zod';
import { dataInfoIdSchema, nameSchema, registerIdSchema, versionSchema, zoneSchema } from './vocabulary.js';

/** Words that the lists of data and session servers have in common. See docs/lists.md. */
export const paging = {
  limit: z.number().int().min(1).max(1_000).default(100).describe('How many a page has at most.'),
  after: z.string().optional().describe('The `next` of the page before.'),
};

export const nextSchema = z
  .string()
  .optional()
  .describe('The `after` of the page behind this one, which may be short or empty. Left out at the end of the list.');

/** Parts of names to search by. */
export const nameFilters = {
  prefix: nameSchema.optional().describe('What the dataId begins with.'),
  dataId: nameSchema.optional().describe('The dataId.'),
  group: nameSchema.optional().describe('The group. Any, where it is left out.'),
  instanceId: nameSchema.optional().describe('The instanceId. Any, where it is left out.'),
};

export const localSchema = z
  .enum(['true', 'false'])
  .optional()
  .describe('`true`: of this server alone. Servers ask each other like that.');

export const cursorsSchema = z
  .array(z.string())
  .optional()
  .describe('With `local=true`: of each item, the `after` for what is behind it.');

export const slotNumber = z.number().int().min(0);

/** The name of a datum, as lists tell it. */
export const named = { dataId: z.string(), group: z.string(), instanceId: z.string(), slot: slotNumber };

export const timeSchema = z.string().meta({ format: 'date-time' });

const ms = z.number().int().min(0);

export const datumItem = z
  .object({
    leader: z.string().optional().describe('The RPC address of the data server that leads its slot.'),
    ...named,
    version: versionSchema,
    complete: z.boolean().describe('False while the leader still gathers who publishes under it.'),
    publications: z.number().int().min(0),
    interested: z.number().int().min(0).describe('Session servers that have subscribers to it.'),
  })
  .meta({ id: 'DatumItem' });

/** Why something disappeared from every view. */
export const causeSchema = z
  .enum(['unpublish', 'goodbye', 'grace-expired', 'unclaimed', 'lease-ended', 'operator'])
  .meta({ id: 'RemovalCause' });

export const stampSchema = z
  .tuple([z.int(), z.int(), z.int()])
  .describe('Timestamp, version and nonce: of two under one registerId the one with the higher stamp counts.');

/** A server, by the address that it has, or had when it was last heard of. */
export const namedServer = z
  .object({
    incarnation: z.string(),
    address: z.string().nullable().describe('Its RPC address; null where it was gone too long ago.'),
  })
  .meta({ id: 'NamedServer' });

export const removalItem = z
  .object({
    leader: z.string().optional().describe('The RPC address of the data server that leads its slot.'),
    ...named,
    registerId: registerIdSchema,
    at: timeSchema.describe('By the clock of the data server that tells of it.'),
    agoMs: ms,
    cause: causeSchema,
    why: z.string().describe('The cause in words.'),
    by: z
      .union([namedServer, z.enum(['leader', 'operator'])])
      .describe('The session server that asked for it, the leader of the slot by itself, or an operator.'),
    kind: z.enum(['connected', 'leased', 'persistent']).describe('What had kept it.'),
    session: namedServer.nullable().describe('Of a connected one: the session server of its client.'),
    connection: z.number().int().nullable().describe('Of a connected one: the number of the connection there.'),
    client: z
      .string()
      .nullable()
      .optional()
      .describe('The address that its client connected from, where its session server still knows it.'),
    leaseMs: ms.nullable().describe('Of a leased one.'),
    appName: z.string(),
    zone: z.string(),
    stamp: stampSchema.describe('Of the removal.'),
  })
  .meta({ id: 'RemovalItem' });

export const removalFilters = {
  ...nameFilters,
  registerId: registerIdSchema.optional(),
  appName: nameSchema.optional().describe('The application that had published it.'),
  zone: zoneSchema.optional(),
  cause: nameSchema.optional().describe('One of the causes that are told.'),
};

const ownerSchema = z
  .union([
    z.object({ kind: z.literal('connected'), session: z.string(), connection: z.int() }),
    z.object({ kind: z.literal('leased'), leaseMs: ms }),
    z.object({ kind: z.literal('persistent') }),
  ])
  .describe('What keeps it.')
  .meta({ id: 'Owner' });

/** One datum with its publications, as the leader of its slot holds them. */
export const contentsSchema = z
  .object({
    dataInfoId: dataInfoIdSchema,
    slot: slotNumber,
    version: versionSchema,
    complete: z.boolean(),
    count: z.number().int().min(0).describe('Publications in all.'),
    hidden: z.array(z.string()).describe('The registerIds of those in this page that operators have switched off.'),
    publications: z.array(
      z.object({
        registerId: registerIdSchema,
        dataInfoId: dataInfoIdSchema,
        zone: z.string(),
        appName: z.string(),
        registerTimestamp: z.int(),
        stamp: stampSchema,
        owner: ownerSchema,
        isHidden: z.boolean(),
        content: z.looseObject({ data: z.array(z.string()) }).describe('As it was published.'),
      }),
    ),
    next: nextSchema,
  })
  .meta({ id: 'DatumContents' });
