import type { SessionContext } from './context.js';
import { RETURNS_MOST_MS, RETURNS_WINDOW_MS } from './limits.js';
import type { SlotLink } from './slot-link.js';

/** A connection whose client has been served by this cluster before. */
interface Returned {
  returnedAtMs?: number;
}

/**
 * Where a session server is lost, thousands of clients come within a second or two, each with what it has published and with
 * what it subscribes to. Their lists are out of date, while what they have published is known to its leaders, which keep it
 * for them. So while many come, what they bring is recorded here, but told to leaders after what they ask for: when no more
 * come, or after a bounded time, and then together, at a fraction of what it costs one by one.
 *
 * What others change meanwhile is told at once, and takes what waits for the same leader of the same slot along, in order.
 */
export class Returns {
  private windowAtMs = 0;
  private inWindow = 0;
  private inFormer = 0;
  private readonly waiting = new Set<SlotLink>();
  private waitingSinceMs = 0;

  constructor(
    private readonly context: SessionContext,
    private readonly touch: (slot: SlotLink) => void,
  ) {}

  /** Its hello says that it has been served before. */
  came(connection: Returned): void {
    this.turnWindow();
    this.inWindow++;
    connection.returnedAtMs = this.context.nowMs;
  }

  /**
   * Whether it has just come, and is one of many. What it publishes for the first time then, or changes, is not told apart from what
   * it has brought.
   */
  canWait({ returnedAtMs }: Returned): boolean {
    return returnedAtMs !== undefined && this.context.nowMs - returnedAtMs <= RETURNS_MOST_MS && this.areMany;
  }

  /** Touches the slot when no more come, or after a bounded time. */
  wait(slot: SlotLink): void {
    if (this.waiting.size === 0) {
      this.waitingSinceMs = this.context.nowMs;
      this.lookLater();
    }
    this.waiting.add(slot);
  }

  private get areMany(): boolean {
    this.turnWindow();
    return this.inFormer + this.inWindow >= this.context.limits.returnsMany;
  }

  private lookLater(): void {
    this.context.timers.at(this.context.nowMs + RETURNS_WINDOW_MS, () => {
      if (this.areMany && this.context.nowMs - this.waitingSinceMs < RETURNS_MOST_MS) return this.lookLater();
      for (const slot of this.waiting) this.touch(slot);
      this.waiting.clear();
    });
  }

  private turnWindow(): void {
    const windows = Math.floor((this.context.nowMs - this.windowAtMs) / RETURNS_WINDOW_MS);
    if (windows < 1) return;
    this.inFormer = windows === 1 ? this.inWindow : 0;
    this.inWindow = 0;
    this.windowAtMs += windows * RETURNS_WINDOW_MS;
  }
}
