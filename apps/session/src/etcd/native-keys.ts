import {
  EtcdError,
  type EtcdStore,
  type KeyValue,
  type Layouts,
  type RangeAnswer,
  type RangeRequest,
  type ServiceKeys,
  type Span,
  isWithin,
  mayBeKey,
  selected,
  toKey,
  toSpan,
} from '#etcd';
import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, RegistryError, toDataInfoId } from '#model';
import { DEFAULT_ZONE, type SessionReply, type SessionRequest, presentPublication } from '#registry';
import { decodeBody } from '#wire';

/** A native publication has none of the revisions of etcd: it was there before everything that is counted. */
const BEFORE = { createRevision: 1n, modRevision: 1n, version: 1n, lease: 0n };

/**
 * Has whoever asks for the keys of one service see what was published for it natively, too, at the present revision. Watches are
 * told of keys alone.
 */
export function withNativeKeys(
  store: EtcdStore,
  layouts: Layouts,
  ask: (request: SessionRequest) => Promise<SessionReply>,
): EtcdStore {
  const range = async (request: RangeRequest): Promise<RangeAnswer> => {
    const span = toSpan(request);
    const service = request.revision ? undefined : layouts.serviceWithin(span);
    if (!service) return store.range(request);
    const { key, rangeEnd } = request;
    const [held, native] = await Promise.all([
      store.range({ key, ...(rangeEnd ? { rangeEnd } : {}) }),
      nativeKeys(service, span, ask),
    ]);
    return { header: held.header, ...selected(merged(held.kvs, native), request) };
  };
  return {
    range,
    put: (request) => store.put(request),
    deleteRange: (request) => store.deleteRange(request),
    txn: (request) => store.txn(request),
    compact: (revision) => store.compact(revision),
    grant: (request) => store.grant(request),
    revoke: (id) => store.revoke(id),
    keepAlive: (id) => store.keepAlive(id),
    timeToLive: (id, options) => store.timeToLive(id, options),
    leases: () => store.leases(),
    watch: (request, listener) => store.watch(request, listener),
    status: () => store.status(),
  };
}

async function nativeKeys(
  { dataId, keysOf }: ServiceKeys,
  span: Span,
  ask: (request: SessionRequest) => Promise<SessionReply>,
): Promise<KeyValue[]> {
  const dataInfoId = toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
  try {
    const reply = await ask({ kind: 'query', dataInfoId, scope: 'dataCenter', zone: DEFAULT_ZONE });
    if (reply.kind !== 'datum') throw new RegistryError('INTERNAL');
    if (reply.frame.type === 'partial') throw new EtcdError('UNAVAILABLE');
    return reply.frame.publications
      .filter(({ registerId }) => !mayBeKey(registerId))
      .flatMap((publication) => keysOf(publication.registerId, presentPublication(publication, decodeBody).data))
      .filter(({ key }) => isWithin(toKey(key), span))
      .map((keyed) => ({ ...keyed, ...BEFORE }));
  } catch (error) {
    if (error instanceof RegistryError && error.code !== 'INTERNAL') throw new EtcdError('UNAVAILABLE');
    throw error;
  }
}

/** In the order of keys. What was put counts, and of two native ones at the same address either. */
function merged(held: readonly KeyValue[], native: readonly KeyValue[]): KeyValue[] {
  const byKey = new Map([...native, ...held].map((kv) => [toKey(kv.key), kv]));
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, kv]) => kv);
}
