import { type Failure, LIMITS, failure } from '#model';
import type { SessionRequest } from './contract.js';
import { type EdgeContext, parseClientMessage } from './edge.js';
import { EventIds } from './event-ids.js';
import { isFields } from './fields.js';

type Subscribe = Extract<SessionRequest, { kind: 'subscribe' }>;

/** What a stream of events is to tell: a subscription for every datum, and the ids that it resumes from and gives. */
export type ParsedWatch = { ok: true; subscriptions: Subscribe[]; ids: EventIds } | { ok: false; failure: Failure };

/** The query of `GET /v1/watch`, where `dataId` may come several times, and the `Last-Event-ID`. */
export function parseWatch(query: unknown, lastEventId: string | undefined, context: EdgeContext): ParsedWatch {
  const { deltas, dataId, ...view } = isFields(query) ? query : {};
  const named = Array.isArray(dataId) && dataId.length > 0 ? [...new Set<unknown>(dataId)] : [dataId];
  if (named.length > LIMITS.watchedDataIds) return tooMany(named.length);
  const subscriptions: Subscribe[] = [];
  for (const one of named) {
    const fields = { ...view, dataId: one, subscriptionId: 'watch', deltas: FLAGS[String(deltas)] ?? deltas };
    const parsed = parseClientMessage('registry.subscribe', fields, context);
    if (!parsed.ok) return parsed;
    if (parsed.request.kind === 'subscribe') subscriptions.push(parsed.request);
  }
  const ids = new EventIds(
    subscriptions.map(({ dataInfoId }) => dataInfoId),
    lastEventId,
  );
  return {
    ok: true,
    ids,
    subscriptions: subscriptions.map((subscription) => {
      const base = ids.baseOf(subscription.dataInfoId);
      const subscriptionId = subscription.dataInfoId;
      return { ...subscription, subscriptionId, wholeOnly: true, ...(base ? { base } : {}) };
    }),
  };
}

/** What a query string can say of a flag. */
const FLAGS: Record<string, boolean> = { true: true, false: false };

function tooMany(count: number): ParsedWatch {
  const message = `There are ${count} names; at most ${LIMITS.watchedDataIds} can be watched over one stream.`;
  return { ok: false, failure: failure('BAD_REQUEST', message, { details: { field: 'dataId' } }) };
}
