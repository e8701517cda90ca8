import { EventEmitter, once } from 'node:events';
import type { DatumView, Push } from '#model';

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
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) this.take(block);
    }
    this.end();
  }

  private take(block: string): void {
    if (block.startsWith(':')) this.comments.push(block.slice(1).trim());
    else {
      const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
      const datum = JSON.parse(fields.get('data') ?? 'null') as DatumView;
      this.events.push({ event: fields.get('event') ?? 'message', id: fields.get('id'), datum });
    }
    this.told.emit('told');
  }

  private end(): void {
    this.ended = true;
    this.told.emit('told');
  }
}
