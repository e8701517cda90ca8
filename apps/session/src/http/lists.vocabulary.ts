import { z } from 'zod';
import {
  cursorsSchema,
  datumItem,
  named,
  nextSchema,
  registerIdSchema,
  removalItem,
  timeSchema,
  versionSchema,
} from '#nest';

const count = z.number().int().min(0);

const session = z.string().describe('The RPC address of its session server.');

const unanswered = z
  .array(z.object({ server: z.string(), reason: z.string() }))
  .describe('Servers that have not answered in time: what they hold is missing.');

const ofCluster = { next: nextSchema, cursors: cursorsSchema };

const connectionItem = z
  .object({
    session,
    connection: count.describe('The number by which the other lists name it.'),
    address: z.string().describe('Which the client connects from.'),
    appName: z.string().describe('As its hello told it; empty where it did not.'),
    zone: z.string(),
    connectedAt: timeSchema,
    silentMs: count.describe('For how long nothing has been heard of it.'),
    state: z.enum(['served', 'moved', 'grace', 'idle']),
    publishers: count,
    subscribers: count,
    isBackedUp: z.boolean().describe('It reads less than it is sent.'),
    unacknowledged: count.describe('Subscribers that have not acknowledged their last push.'),
    waiting: count.describe('Subscribers for whom something waits.'),
  })
  .meta({ id: 'ConnectionItem' });

const subscriberItem = z
  .object({
    session,
    ...named,
    connection: count,
    subscriptionId: z.string(),
    address: z.string(),
    appName: z.string(),
    zone: z.string(),
    scope: z.enum(['zone', 'dataCenter']),
    version: versionSchema.nullable().describe('Of what it was last sent.'),
    told: z.enum(['nothing', 'pending', 'partial', 'whole']),
    unacknowledgedMs: count.nullable(),
    waitsFor: z.string().nullable().describe('What keeps what there is to tell it; null where it has everything.'),
  })
  .meta({ id: 'SubscriberItem' });

const publisherItem = z
  .object({
    session,
    ...named,
    registerId: registerIdSchema,
    kind: z.enum(['connected', 'leased']).describe('What keeps it.'),
    connection: count.nullable(),
    address: z.string().nullable(),
    leaseMs: count.nullable(),
    appName: z.string(),
    zone: z.string(),
    registeredAt: timeSchema,
    state: z.enum(['stored', 'under-way', 'withdrawn']),
  })
  .meta({ id: 'PublisherItem' });

export const connectionsPage = z
  .object({ connections: z.array(connectionItem), ...ofCluster, unanswered: unanswered.optional() })
  .meta({ id: 'Connections' });

export const subscribersPage = z
  .object({ subscribers: z.array(subscriberItem), ...ofCluster, unanswered: unanswered.optional() })
  .meta({ id: 'Subscribers' });

export const publishersPage = z
  .object({ publishers: z.array(publisherItem), ...ofCluster, unanswered: unanswered.optional() })
  .meta({ id: 'Publishers' });

const leaderless = count.optional().describe('Slots that have no leader just now.');

export const removalsPage = z
  .object({ removals: z.array(removalItem), ...ofCluster, unanswered, leaderless })
  .meta({ id: 'Removals' });

export const datumsPage = z
  .object({
    datums: z.array(datumItem),
    ...ofCluster,
    unanswered,
    leaderless,
    unsettled: z.literal(true).optional().describe('Slots changed hands meanwhile: a name may be missing.'),
  })
  .meta({ id: 'Datums' });
