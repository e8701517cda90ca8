import {
  type EtcdStore,
  ETCD_LIMITS,
  ETCD_CODES,
  type Header,
  type KeyEvent,
  type WatchEvent,
  type WatchHandle,
} from '#etcd';
import { eventMessage, header } from './answers.js';
import type { WatchCreateMessage, WatchMessage } from './messages.js';
import { watchRequest } from './requests.js';

/** Where the answers of one stream go. */
export interface WatchSink {
  send(message: object, bytes: number): void;
  /** The server goes. */
  stop(): void;
}

interface Watch {
  handle: WatchHandle;
  /** It asked to be told of progress by itself. */
  isTold: boolean;
  isFragmented: boolean;
}

/** Of nobody in particular. */
const NO_WATCH = '-1';

const MAX_WATCHES = 10_000;

/** What a message takes beside keys and values, roughly. */
const MESSAGE_BYTES = 64;

/** The watches that a client has over one stream, which it creates and cancels at any time. */
export class WatchStream {
  private readonly watches = new Map<bigint, Watch>();
  private nextId = 0n;
  /**
   * A request for progress is answered when each watch there was has told everything: those that have not, and up to where those
   * have that told the least.
   */
  private awaited: { ids: Set<bigint>; least: Header | undefined } | undefined;

  constructor(
    private readonly store: Pick<EtcdStore, 'watch' | 'status'>,
    private readonly sink: WatchSink,
    private readonly maxWatches = MAX_WATCHES,
  ) {}

  receive({ create_request, cancel_request, progress_request }: WatchMessage): void {
    if (create_request) this.create(create_request);
    else if (cancel_request) this.watches.get(BigInt(cancel_request.watch_id))?.handle.cancel();
    else if (progress_request) this.requestProgress();
  }

  /** Nobody listens any more. */
  close(): void {
    const watches = [...this.watches.values()];
    this.watches.clear();
    for (const { handle } of watches) handle.cancel();
  }

  private create(message: WatchCreateMessage): void {
    const asked = BigInt(message.watch_id);
    if (asked !== 0n && this.watches.has(asked))
      return this.refuse('etcdserver: mvcc: duplicate watch ID provided on the WatchStream');
    if (this.watches.size >= this.maxWatches) return this.refuse(ETCD_CODES.OVERLOADED.text);
    const id = asked === 0n ? this.freeId() : asked;
    const handle = this.store.watch(watchRequest(message), (event) => this.tell(id, event));
    this.watches.set(id, { handle, isTold: message.progress_notify, isFragmented: message.fragment });
  }

  private freeId(): bigint {
    while (this.watches.has(this.nextId)) this.nextId++;
    return this.nextId++;
  }

  private refuse(reason: string): void {
    const head = header(this.store.status().header);
    this.send({ header: head, watch_id: NO_WATCH, created: true, canceled: true, cancel_reason: reason });
  }

  private tell(id: bigint, event: WatchEvent): void {
    const watch = this.watches.get(id);
    if (!watch) return;
    const about = { header: header(event.header), watch_id: String(id) };
    switch (event.type) {
      case 'created':
        return this.send({ ...about, created: true });
      case 'events':
        return this.sendEvents(about, event.events, watch.isFragmented);
      case 'progress':
        if (watch.isTold) this.send(about);
        return this.progressed(id, event.header);
      case 'ended':
        this.watches.delete(id);
        if (event.reason === 'stopped') return this.sink.stop();
        this.send({ ...about, canceled: true, ...reasonOf(event) });
        return this.progressed(id, event.header);
    }
  }

  private sendEvents(about: object, events: readonly KeyEvent[], isFragmented: boolean): void {
    const most = isFragmented ? ETCD_LIMITS.requestBytes : Infinity;
    const fragments = fragmentsOf(events, most);
    for (const [index, fragment] of fragments.entries())
      this.sink.send(
        { ...about, events: fragment.events.map(eventMessage), fragment: index < fragments.length - 1 },
        fragment.bytes,
      );
  }

  private requestProgress(): void {
    // One answer serves all who have asked meanwhile.
    if (this.awaited) return;
    if (this.watches.size === 0) return this.sendProgress(this.store.status().header);
    this.awaited = { ids: new Set(this.watches.keys()), least: undefined };
    for (const { handle } of [...this.watches.values()]) handle.requestProgress();
  }

  private progressed(id: bigint, head: Header): void {
    const { awaited } = this;
    if (!awaited?.ids.delete(id)) return;
    awaited.least = lower(awaited.least, head);
    if (awaited.ids.size > 0) return;
    this.awaited = undefined;
    this.sendProgress(awaited.least);
  }

  private sendProgress(head: Header): void {
    this.send({ header: header(head), watch_id: NO_WATCH });
  }

  private send(message: object): void {
    this.sink.send(message, MESSAGE_BYTES);
  }
}

function lower(one: Header | undefined, other: Header): Header {
  return one && one.revision < other.revision ? one : other;
}

function reasonOf(event: Extract<WatchEvent, { type: 'ended' }>): object {
  if (event.reason === 'compacted') return { compact_revision: String(event.compactRevision) };
  return event.reason === 'refused' ? { cancel_reason: ETCD_CODES[event.code].text } : {};
}

/** Events in messages that are no larger than that, as far as one event alone is not. */
export function fragmentsOf(events: readonly KeyEvent[], mostBytes: number): { events: KeyEvent[]; bytes: number }[] {
  const fragments: { events: KeyEvent[]; bytes: number }[] = [];
  for (const event of events) {
    const bytes = bytesOf(event);
    const last = fragments.at(-1);
    if (last && last.bytes + bytes <= mostBytes) {
      last.events.push(event);
      last.bytes += bytes;
    } else fragments.push({ events: [event], bytes });
  }
  return fragments;
}

function bytesOf({ kv, prevKv }: KeyEvent): number {
  const before = prevKv ? prevKv.key.length + prevKv.value.length : 0;
  return MESSAGE_BYTES + kv.key.length + kv.value.length + before;
}
