import { EventEmitter, once } from 'node:events';
import type { DatumView, Push } from '#model';
import { readEvents } from '../../apps/cli/src/servers/events.js';

export interface WatchEvent {
  event: string;
  id: string | undefined;
  /** Of an event `delta`, the change instead of the whole. */
  datum: DatumView & Partial<Pick<Push & { type: 'delta' }, 'from' | 'removed' | 'hash' | 'hashes'>>;
}

/** A reader of `GET /v1/watch` that keeps everything it was told. */
export class Watch {
  readonly events: WatchEvent[] = [];
  readonly comments: string[] = [];
  private readonly told = new EventEmitter();
  private readonly abort = new AbortController();
  private ended = false;

  static async open(http: string, query: string, lastEventId?: string): Promise<Watch> {
    const watch = new Watch();
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await fetch(`${http}/v1/watch?${query}`, { signal: watch.abort.signal, headers });
    if (!response.ok) throw new Error(`watch refused: ${response.status} ${await response.text()}`);
    void watch.read(response.body!).catch(() => watch.end());
    return watch;
  }

  get last(): WatchEvent['datum'] | undefined {
    return this.events.at(-1)?.datum;
  }

  /** The data strings in the latest list, sorted. */
  get data(): string[] {
    return (this.last?.publishers ?? []).flatMap((publisher) => publisher.data).toSorted();
  }

  async until(condition: (watch: Watch) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.ended) throw new Error(`the watch ended; last: ${JSON.stringify(this.last)}`);
      await once(this.told, 'told');
    }
  }

  close(): void {
    this.abort.abort();
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const onComment = (comment: string): void => {
      this.comments.push(comment);
      this.told.emit('told');
    };
    for await (const { event, id, data } of readEvents(body, onComment)) {
      this.events.push({ event, id, datum: data as DatumView });
      this.told.emit('told');
    }
    this.end();
  }

  private end(): void {
    this.ended = true;
    this.told.emit('told');
  }
}
