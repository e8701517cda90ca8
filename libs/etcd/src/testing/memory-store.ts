import { type Key, isWithin, toBytes, toKey, toSpan } from '../bytes.js';
import { checkPut, checkRange, checkTxn } from '../check.js';
import { type EtcdCode, EtcdError } from '../errors.js';
import { holds, selected } from '../select.js';
import type {
  Compare,
  DeleteRangeAnswer,
  DeleteRangeRequest,
  EtcdStore,
  Header,
  KeyEvent,
  KeyRange,
  KeyValue,
  PutAnswer,
  PutRequest,
  RangeAnswer,
  RangeRequest,
  StoreStatus,
  TimeToLiveAnswer,
  TxnAnswer,
  TxnOperation,
  TxnRequest,
  TxnResult,
  WatchEvent,
  WatchHandle,
  WatchRequest,
} from '../store.js';
import { MemoryLeases } from './memory-leases.js';
import { MemoryWatch } from './memory-watch.js';

const EMPTY = new Uint8Array();

/** All changes of one revision. */
export interface Revision {
  revision: bigint;
  events: KeyEvent[];
}

/**
 * A store on one node that does what etcd 3.4 does, keeps every revision, and has the time handed in. Leases end when
 * anything is asked after their time, or by `tick`.
 */
export class MemoryStore implements EtcdStore {
  private revision = 1n;
  private compacted = 0n;
  private readonly revisions: Revision[] = [];
  private readonly now = new Map<Key, KeyValue>();
  private readonly leasesHeld: MemoryLeases;
  private readonly watches = new Set<MemoryWatch>();

  constructor(nowMs: () => number) {
    this.leasesHeld = new MemoryLeases(nowMs);
  }

  /** Ends the leases whose time is over. */
  tick(): void {
    for (const { keys } of this.leasesHeld.takeEnded()) this.deleteKeys(keys);
  }

  async range(request: RangeRequest): Promise<RangeAnswer> {
    this.tick();
    return this.rangeNow(request);
  }

  async put(request: PutRequest): Promise<PutAnswer> {
    this.tick();
    return this.change((events) => this.putNow(request, events));
  }

  async deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeAnswer> {
    this.tick();
    return this.change((events) => this.deleteNow(request, events));
  }

  async txn(request: TxnRequest): Promise<TxnAnswer> {
    this.tick();
    refuse(checkTxn(request));
    const succeeded = request.compare.every((compare) => this.compares(compare));
    const operations = succeeded ? request.success : request.failure;
    // Nothing of a txn is done that cannot be done as a whole.
    for (const operation of operations) if (operation.op === 'put') this.checkPutNow(operation.request);
    const results = this.change((events) => operations.map((operation) => this.operate(operation, events)));
    for (const { answer } of results) answer.header = this.header;
    return { header: this.header, succeeded, results };
  }

  async compact(revision: bigint): Promise<{ header: Header }> {
    if (revision > this.revision) refuse('FUTURE_REVISION');
    if (revision <= this.compacted) refuse('COMPACTED');
    this.compacted = revision;
    return { header: this.header };
  }

  async grant(request: { id: bigint; ttlS: bigint }): Promise<{ header: Header; id: bigint; ttlS: bigint }> {
    this.tick();
    return { header: this.header, ...this.leasesHeld.grant(request) };
  }

  async revoke(id: bigint): Promise<{ header: Header }> {
    this.tick();
    this.deleteKeys(this.leasesHeld.revoke(id));
    return { header: this.header };
  }

  async keepAlive(id: bigint): Promise<{ header: Header; id: bigint; ttlS: bigint }> {
    this.tick();
    return { header: this.header, id, ttlS: this.leasesHeld.keepAlive(id) };
  }

  async timeToLive(id: bigint, { keys }: { keys: boolean }): Promise<TimeToLiveAnswer> {
    this.tick();
    const lease = this.leasesHeld.timeToLive(id);
    return { header: this.header, id, ...lease, keys: keys ? lease.keys.map(toBytes) : [] };
  }

  async leases(): Promise<{ header: Header; ids: bigint[] }> {
    this.tick();
    return { header: this.header, ids: this.leasesHeld.ids() };
  }

  watch(request: WatchRequest, listener: (event: WatchEvent) => void): WatchHandle {
    this.tick();
    const { startRevision = 0n } = request;
    const watch = new MemoryWatch(request, listener, () => this.header);
    watch.tell({ type: 'created', header: this.header });
    if (request.key.length === 0) watch.end({ reason: 'refused', code: 'EMPTY_KEY' });
    else if (startRevision !== 0n && startRevision < this.compacted)
      watch.end({ reason: 'compacted', compactRevision: this.compacted });
    else {
      this.watches.add(watch);
      if (startRevision !== 0n) for (const revision of this.revisions) watch.changed(revision);
    }
    return {
      cancel: () => {
        this.watches.delete(watch);
        watch.end({ reason: 'cancelled' });
      },
      requestProgress: () => watch.tell({ type: 'progress', header: this.header }),
    };
  }

  status(): StoreStatus {
    return { header: this.header, isServing: true };
  }

  private get header(): Header {
    return { clusterId: 1n, memberId: 1n, revision: this.revision, raftTerm: 1n };
  }

  private rangeNow(request: RangeRequest): RangeAnswer {
    refuse(checkRange(request));
    const { revision = 0n } = request;
    if (revision > this.revision) refuse('FUTURE_REVISION');
    if (revision > 0n && revision < this.compacted) refuse('COMPACTED');
    const held = revision > 0n && revision < this.revision ? this.at(revision) : this.now;
    return { header: this.header, ...selected(within(held, request), request) };
  }

  private at(revision: bigint): Map<Key, KeyValue> {
    const held = new Map<Key, KeyValue>();
    for (const { revision: at, events } of this.revisions) {
      if (at > revision) break;
      for (const { type, kv } of events) {
        if (type === 'put') held.set(toKey(kv.key), kv);
        else held.delete(toKey(kv.key));
      }
    }
    return held;
  }

  private compares(compare: Compare): boolean {
    if (!compare.rangeEnd?.length) return holds(compare, this.now.get(toKey(compare.key)));
    return within(this.now, compare).every((kv) => holds(compare, kv));
  }

  private operate(operation: TxnOperation, events: KeyEvent[]): TxnResult {
    switch (operation.op) {
      case 'range':
        return { op: 'range', answer: this.rangeNow(operation.request) };
      case 'put':
        return { op: 'put', answer: this.putNow(operation.request, events) };
      case 'deleteRange':
        return { op: 'deleteRange', answer: this.deleteNow(operation.request, events) };
      case 'txn':
        return refuse('TXN_NOT_SERVED');
    }
  }

  private checkPutNow(request: PutRequest): void {
    refuse(checkPut(request));
    const { key, lease = 0n, ignoreValue, ignoreLease } = request;
    if ((ignoreValue || ignoreLease) && !this.now.has(toKey(key))) refuse('KEY_NOT_FOUND');
    if (lease !== 0n && !this.leasesHeld.has(lease)) refuse('LEASE_NOT_FOUND');
  }

  private putNow(request: PutRequest, events: KeyEvent[]): PutAnswer {
    this.checkPutNow(request);
    const key = toKey(request.key);
    const before = this.now.get(key);
    const modRevision = this.revision + 1n;
    const kv: KeyValue = {
      key: request.key,
      value: request.ignoreValue ? before!.value : request.value,
      createRevision: before?.createRevision ?? modRevision,
      modRevision,
      version: (before?.version ?? 0n) + 1n,
      lease: request.ignoreLease ? before!.lease : (request.lease ?? 0n),
    };
    this.now.set(key, kv);
    this.leasesHeld.attach(key, kv.lease);
    events.push({ type: 'put', kv, ...(before ? { prevKv: before } : {}) });
    return { header: this.header, ...(request.prevKv && before ? { prevKv: before } : {}) };
  }

  private deleteNow(request: DeleteRangeRequest, events: KeyEvent[]): DeleteRangeAnswer {
    refuse(checkRange(request));
    const gone = within(this.now, request);
    for (const before of gone) this.remove(before, events);
    return { header: this.header, deleted: BigInt(gone.length), prevKvs: request.prevKv ? gone : [] };
  }

  private deleteKeys(keys: Key[]): void {
    this.change((events) => {
      for (const key of keys) this.remove(this.now.get(key)!, events);
    });
  }

  private remove(before: KeyValue, events: KeyEvent[]): void {
    const key = toKey(before.key);
    this.now.delete(key);
    this.leasesHeld.attach(key, 0n);
    const gone = { createRevision: 0n, version: 0n, lease: 0n, value: EMPTY };
    events.push({ type: 'delete', kv: { key: before.key, modRevision: this.revision + 1n, ...gone }, prevKv: before });
  }

  /** What changes anything has a revision of its own. */
  private change<Result>(run: (events: KeyEvent[]) => Result): Result {
    const events: KeyEvent[] = [];
    const result = run(events);
    if (events.length === 0) return result;
    const revision = { revision: ++this.revision, events };
    this.revisions.push(revision);
    for (const watch of this.watches) watch.changed(revision);
    if (hasHeader(result)) result.header = this.header;
    return result;
  }
}

function hasHeader(result: unknown): result is { header: Header } {
  return typeof result === 'object' && result !== null && 'header' in result;
}

function within(held: ReadonlyMap<Key, KeyValue>, range: KeyRange): KeyValue[] {
  const span = toSpan(range);
  const keys = [...held.keys()].filter((key) => isWithin(key, span));
  return keys.toSorted().map((key) => held.get(key)!);
}

function refuse(code: EtcdCode): never;
function refuse(code: EtcdCode | undefined): void;
function refuse(code: EtcdCode | undefined): void {
  if (code) throw new EtcdError(code);
}
