import {
  type DeleteRangeAnswer,
  type DeleteRangeRequest,
  EtcdError,
  type EtcdStore,
  type PutAnswer,
  type PutRequest,
  type RangeAnswer,
  type RangeRequest,
  type StoreStatus,
  type TimeToLiveAnswer,
  type TxnAnswer,
  type TxnRequest,
  type WatchEvent,
  type WatchHandle,
  type WatchRequest,
} from '#etcd';
import type { KeyAnswers, KeyCall, KeyReply } from './contract.js';

/** What the host of a session core does for the store. */
export interface KeyPort {
  /** @throws EtcdError where the core cannot answer any more */
  call(call: KeyCall): Promise<KeyReply>;
  watch(watchId: number, request: WatchRequest): void;
  unwatch(watchId: number): void;
  requestProgress(watchId: number): void;
  status(): StoreStatus;
}

interface Watch {
  listener: (event: WatchEvent) => void;
  /** What is not told yet, since `watch` has not returned. */
  waiting: WatchEvent[] | undefined;
}

/** The keyspace that a session core serves, as edges call it. */
export class SessionKeyStore implements EtcdStore {
  private readonly watches = new Map<number, Watch>();
  private lastWatch = 0;

  constructor(private readonly port: KeyPort) {}

  /** What the core says to a watch. */
  told(watchId: number, event: WatchEvent): void {
    const watch = this.watches.get(watchId);
    if (!watch) return;
    if (event.type === 'ended') this.watches.delete(watchId);
    if (watch.waiting) watch.waiting.push(event);
    else watch.listener(event);
  }

  range(request: RangeRequest): Promise<RangeAnswer> {
    return this.call<'range'>({ method: 'range', request });
  }

  put(request: PutRequest): Promise<PutAnswer> {
    return this.call<'put'>({ method: 'put', request });
  }

  deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeAnswer> {
    return this.call<'deleteRange'>({ method: 'deleteRange', request });
  }

  txn(request: TxnRequest): Promise<TxnAnswer> {
    return this.call<'txn'>({ method: 'txn', request });
  }

  compact(revision: bigint): Promise<KeyAnswers['compact']> {
    return this.call<'compact'>({ method: 'compact', revision });
  }

  grant(request: { id: bigint; ttlS: bigint }): Promise<KeyAnswers['grant']> {
    return this.call<'grant'>({ method: 'grant', request });
  }

  revoke(id: bigint): Promise<KeyAnswers['revoke']> {
    return this.call<'revoke'>({ method: 'revoke', id });
  }

  keepAlive(id: bigint): Promise<KeyAnswers['keepAlive']> {
    return this.call<'keepAlive'>({ method: 'keepAlive', id });
  }

  timeToLive(id: bigint, { keys }: { keys: boolean }): Promise<TimeToLiveAnswer> {
    return this.call<'timeToLive'>({ method: 'timeToLive', id, keys });
  }

  leases(): Promise<KeyAnswers['leases']> {
    return this.call<'leases'>({ method: 'leases' });
  }

  watch(request: WatchRequest, listener: (event: WatchEvent) => void): WatchHandle {
    const watch: Watch = { listener, waiting: [] };
    queueMicrotask(() => {
      const waiting = watch.waiting ?? [];
      watch.waiting = undefined;
      for (const event of waiting) listener(event);
    });
    return this.begin(request, watch);
  }

  /** As `watch`, for those who may be told before it has returned. */
  watchAtOnce(request: WatchRequest, listener: (event: WatchEvent) => void): WatchHandle {
    return this.begin(request, { listener, waiting: undefined });
  }

  private begin(request: WatchRequest, watch: Watch): WatchHandle {
    const watchId = ++this.lastWatch;
    this.watches.set(watchId, watch);
    this.port.watch(watchId, request);
    return {
      cancel: () => this.port.unwatch(watchId),
      requestProgress: () => this.port.requestProgress(watchId),
    };
  }

  status(): StoreStatus {
    return this.port.status();
  }

  private async call<Method extends KeyCall['method']>(
    call: Extract<KeyCall, { method: Method }>,
  ): Promise<KeyAnswers[Method]> {
    const reply = await this.port.call(call);
    if (!reply.ok) throw new EtcdError(reply.code);
    return reply.answer as KeyAnswers[Method];
  }
}
