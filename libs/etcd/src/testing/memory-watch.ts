import { type Span, isWithin, toKey, toSpan } from '../bytes.js';
import type { Header, KeyEvent, WatchEvent, WatchRequest } from '../store.js';
import type { Revision } from './memory-store.js';

type End =
  Extract<WatchEvent, { type: 'ended' }> extends infer Each
    ? Each extends { header: Header; type: 'ended' }
      ? Omit<Each, 'header' | 'type'>
      : never
    : never;

/** A watch of a {@link MemoryStore}. Its listener is called in order, and after `watch` has returned. */
export class MemoryWatch {
  private readonly span: Span;
  private waiting: WatchEvent[] | undefined;
  private isEnded = false;

  constructor(
    private readonly request: WatchRequest,
    private readonly listener: (event: WatchEvent) => void,
    private readonly header: () => Header,
  ) {
    this.span = toSpan(request);
  }

  changed({ revision, events }: Revision): void {
    const { startRevision = 0n, prevKv, filters = [] } = this.request;
    if (revision < startRevision) return;
    const told = events
      .filter(({ type, kv }) => !filters.includes(type) && isWithin(toKey(kv.key), this.span))
      .map(({ prevKv: before, ...event }): KeyEvent => (prevKv && before ? { ...event, prevKv: before } : event));
    if (told.length > 0) this.tell({ type: 'events', header: this.header(), events: told });
  }

  end(end: End): void {
    this.tell({ type: 'ended', header: this.header(), ...end } as WatchEvent);
    this.isEnded = true;
  }

  tell(event: WatchEvent): void {
    if (this.isEnded) return;
    if (this.waiting) return void this.waiting.push(event);
    this.waiting = [event];
    queueMicrotask(() => {
      const waiting = this.waiting ?? [];
      this.waiting = undefined;
      for (const each of waiting) this.listener(each);
    });
  }
}
