import type { EtcdStore, KeyEvent, WatchEvent, WatchHandle, WatchRequest } from '../store.js';

export function key(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** What a watch has told so far, for tests: nobody sleeps, they wait until it has told enough. */
export class WatchLog {
  readonly told: WatchEvent[] = [];
  readonly handle: WatchHandle;
  private waiting: (() => void)[] = [];

  constructor(store: EtcdStore, request: WatchRequest) {
    this.handle = store.watch(request, (event) => {
      this.told.push(event);
      for (const look of this.waiting.splice(0)) look();
    });
  }

  get events(): KeyEvent[] {
    return this.told.flatMap((event) => (event.type === 'events' ? event.events : []));
  }

  /** Each event as people write it. */
  get lines(): string[] {
    return this.events.map(({ type, kv, prevKv }) => {
      const value = type === 'put' ? `=${text(kv.value)}` : '';
      return `${type} ${text(kv.key)}${value}${prevKv ? ` was ${text(prevKv.value)}` : ''}`;
    });
  }

  get ended(): Extract<WatchEvent, { type: 'ended' }> | undefined {
    return this.told.find((event) => event.type === 'ended');
  }

  async until(holds: (log: WatchLog) => boolean): Promise<void> {
    // eslint-disable-next-line no-await-in-loop -- it looks again whenever something is told
    while (!holds(this)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
