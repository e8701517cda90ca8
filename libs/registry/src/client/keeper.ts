import type { ClientEffect, ClientLimits, KeptServers, KeptView } from './contract.js';
import { KEEP_BATCH } from './limits.js';

/**
 * Decides when what the client holds is written to disk. A view that changes all the time is written once a round, as it is
 * then; a disk that is slow, or fails, slows down nothing but the next round. What waits is no more than what is held.
 */
export class Keeper {
  /** What has changed since it was written: by its names, where to get what is held. */
  private changed = new Map<string, () => KeptView | undefined>();
  private round: (() => KeptView | undefined)[] = [];
  private batches = 0;
  private isWriting = false;
  private nextRoundMs = -Infinity;
  private servers: string;

  constructor(
    private readonly limits: ClientLimits,
    private readonly emit: (effect: ClientEffect) => void,
    servers?: KeptServers,
  ) {
    this.servers = JSON.stringify(servers ?? null);
  }

  /** When there is next something to do; Infinity where that waits for the disk, or for a change. */
  get nextMs(): number {
    return this.isWriting || (this.changed.size === 0 && this.round.length === 0) ? Infinity : this.nextRoundMs;
  }

  touch(key: string, view: () => KeptView | undefined): void {
    this.changed.set(key, view);
  }

  learned(servers: KeptServers): void {
    const text = JSON.stringify(servers);
    if (text === this.servers) return;
    this.servers = text;
    this.emit({ type: 'keepServers', servers });
  }

  pump(nowMs: number): void {
    if (this.isWriting) return;
    if (this.round.length === 0) {
      if (nowMs < this.nextRoundMs) return;
      this.begin(nowMs);
    }
    this.write(this.round.splice(0, KEEP_BATCH));
  }

  kept(batch: number): void {
    if (batch === this.batches) this.isWriting = false;
  }

  /** The client closes: the rest of it, at once. */
  close(nowMs: number): void {
    const round = this.round.splice(0);
    this.begin(nowMs);
    this.write([...round, ...this.round.splice(0)]);
  }

  private begin(nowMs: number): void {
    this.round = [...this.changed.values()];
    this.changed.clear();
    if (this.round.length > 0) this.nextRoundMs = nowMs + this.limits.keepEveryMs;
  }

  private write(sources: (() => KeptView | undefined)[]): void {
    const views = sources.flatMap((view) => view() ?? []);
    if (views.length === 0) return;
    this.isWriting = true;
    this.emit({ type: 'keep', batch: ++this.batches, views });
  }
}
