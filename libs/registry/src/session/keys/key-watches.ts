import { type KeyEvent, type WatchEvent, type WatchRequest, toBytes, toKeyValue, toSpan } from '#etcd';
import type { KeyChange, KeySpan, KeysFromData, LinkId } from '#model';
import type { SessionContext } from '../context.js';
import type { KeyAsks } from './key-asks.js';
import { type FeedListener, KeyFeed, byRevision } from './key-feed.js';
import type { SessionKeys } from './keyspace.js';

const WATCHES_MAX = 100_000;
const PROGRESS_EVERY_MS = 60_000;

interface Watch extends FeedListener {
  watchId: number;
  feed: KeyFeed;
  /** When something was told last. */
  toldAtMs: number;
  wantsProgress: boolean;
  hasProgress: boolean;
}

const EMPTY = new Uint8Array();

/** Watches of clients, and the feeds they hang on: one for each range, and others for those that begin in its past. */
export class SessionKeyWatches {
  private readonly watches = new Map<number, Watch>();
  private readonly feeds = new Map<number, KeyFeed>();
  private readonly current = new Map<string, KeyFeed>();
  private lastFeed = 0;
  private isTouched = false;

  constructor(
    private readonly context: SessionContext,
    private readonly asks: KeyAsks,
    private readonly keys: SessionKeys,
  ) {}

  get count(): number {
    return this.watches.size;
  }

  watch(watchId: number, request: WatchRequest): void {
    const { startRevision = 0n } = request;
    const refusal = this.refusal(request);
    if (refusal) {
      this.emit(watchId, { type: 'created', header: this.keys.questions.header() });
      return this.emit(watchId, {
        type: 'ended',
        header: this.keys.questions.header(),
        reason: 'refused',
        code: refusal,
      });
    }
    const { compactRevision } = this.keys.reads;
    if (startRevision > 0n && startRevision < compactRevision) {
      this.emit(watchId, { type: 'created', header: this.keys.questions.header() });
      return this.emit(watchId, {
        ...{ type: 'ended', header: this.keys.questions.header(), reason: 'compacted', compactRevision },
      });
    }
    const start = Number(startRevision);
    const feed = this.feedFor(toSpan(request), start);
    const watch = this.make(watchId, request, start, feed);
    this.watches.set(watchId, watch);
    feed.listeners.add(watch);
    if (!feed.isReady) return feed.sync();
    watch.ready(this.asks.seen);
    if (start === 0) return;
    const past = feed.kept.filter(({ revision }) => revision >= start);
    for (const together of byRevision(past)) watch.changed(together);
  }

  cancel(watchId: number, reason: 'cancelled' | 'stopped' = 'cancelled'): void {
    if (this.watches.has(watchId)) this.end(watchId, { type: 'ended', header: this.keys.questions.header(), reason });
  }

  requestProgress(watchId: number): void {
    const watch = this.watches.get(watchId);
    if (!watch) return;
    watch.wantsProgress = true;
    watch.feed.settle();
  }

  changed(link: LinkId, message: Extract<KeysFromData, { kind: 'keysChanged' }>): void {
    this.feeds.get(message.watchId)?.changed(link, message.revision, message.changes);
  }

  /** Who leads what, or how it is reached, may have changed. */
  touch(): void {
    this.isTouched = true;
  }

  flush(): void {
    if (!this.isTouched) return;
    this.isTouched = false;
    this.sync();
  }

  private sync(): void {
    for (const feed of this.feeds.values()) feed.sync();
  }

  tick(): void {
    for (const watch of this.watches.values()) {
      if (!watch.hasProgress || this.context.nowMs - watch.toldAtMs < PROGRESS_EVERY_MS) continue;
      watch.toldAtMs = this.context.nowMs;
      this.requestProgress(watch.watchId);
    }
    this.sync();
  }

  stop(): void {
    for (const watchId of [...this.watches.keys()]) this.cancel(watchId, 'stopped');
  }

  private refusal({ key }: WatchRequest): 'EMPTY_KEY' | 'OVERLOADED' | 'UNSUPPORTED' | undefined {
    if (key.length === 0) return 'EMPTY_KEY';
    if (this.asks.isUnsupported) return 'UNSUPPORTED';
    return this.watches.size >= WATCHES_MAX ? 'OVERLOADED' : undefined;
  }

  /** One that others hang on, unless this watch begins before what that keeps. */
  private feedFor(span: KeySpan, start: number): KeyFeed {
    const name = `${span.key.length} ${span.key}${span.end}`;
    const shared = this.current.get(name);
    if (shared?.isReady && (start === 0 || start > shared.floor)) return shared;
    const watchId = ++this.lastFeed;
    const feed = new KeyFeed(watchId, span, start, this.keys.questions);
    this.feeds.set(watchId, feed);
    if (!shared) this.current.set(name, feed);
    return feed;
  }

  private make(watchId: number, request: WatchRequest, start: number, feed: KeyFeed): Watch {
    const { filters = [], prevKv = false, progressNotify = false } = request;
    const tell = (event: WatchEvent): void => {
      watch.toldAtMs = this.context.nowMs;
      this.emit(watchId, event);
    };
    // Of what is on its way already, one that begins now is told nothing.
    const skipped = new Set(start === 0 && feed.isReady ? feed.onTheWay : []);
    const watch: Watch = {
      ...{ watchId, feed, toldAtMs: this.context.nowMs, wantsProgress: false, hasProgress: progressNotify },
      ready: (revision) => tell({ type: 'created', header: this.keys.questions.header(revision) }),
      changed: (changes) => {
        const told = changes.filter((change) => {
          if (skipped.delete(change)) return false;
          const type = change.entry ? 'put' : 'delete';
          return change.revision >= start && !filters.includes(type);
        });
        if (told.length === 0) return;
        const header = this.keys.questions.header(Math.max(changes[0]!.revision, this.asks.seen));
        tell({ type: 'events', header, events: told.map((change) => toEvent(change, prevKv)) });
      },
      settled: (revision) => {
        if (!watch.wantsProgress) return;
        watch.wantsProgress = false;
        tell({ type: 'progress', header: this.keys.questions.header(revision) });
      },
      gap: (revision) => {
        if (!feed.isReady) this.emit(watchId, { type: 'created', header: this.keys.questions.header() });
        const compactRevision = BigInt(revision);
        this.end(watchId, {
          type: 'ended',
          header: this.keys.questions.header(),
          reason: 'compacted',
          compactRevision,
        });
      },
    };
    return watch;
  }

  private end(watchId: number, event: Extract<WatchEvent, { type: 'ended' }>): void {
    const watch = this.watches.get(watchId);
    if (!watch) return;
    this.watches.delete(watchId);
    const { feed } = watch;
    feed.listeners.delete(watch);
    this.emit(watchId, event);
    if (feed.listeners.size > 0) return;
    feed.end();
    this.feeds.delete(feed.watchId);
    for (const [name, shared] of this.current) if (shared === feed) this.current.delete(name);
  }

  private emit(watchId: number, event: WatchEvent): void {
    this.context.emit({ type: 'keyWatch', watchId, event });
  }
}

function toEvent({ revision, key, entry, prev }: KeyChange, prevKv: boolean): KeyEvent {
  const gone = { createRevision: 0n, version: 0n, lease: 0n, value: EMPTY };
  const kv = entry ? toKeyValue(entry) : { key: toBytes(key), modRevision: BigInt(revision), ...gone };
  return { type: entry ? 'put' : 'delete', kv, ...(prevKv && prev ? { prevKv: toKeyValue(prev) } : {}) };
}
