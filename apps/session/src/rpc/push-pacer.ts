import { type PushFrame, supersede } from '#registry';

/** What pacing needs of a connection. */
export interface PacedConnection {
  /** True while the peer takes less than is written. */
  readonly backedUp: boolean;
  /** Calls `listener` once when the peer has taken everything. */
  onDrain(listener: () => void): () => void;
}

/**
 * Holds pushes back while their reader is slow. Of each subscription only the newest state waits, so that a reader costs
 * a bounded amount of memory however slow it is, also one that never acknowledges. Every frame with content holds a
 * whole view, hence leaving out those in between loses nothing.
 */
export class PushPacer {
  private readonly waiting = new Map<string, PushFrame>();
  private isArmed = false;

  constructor(
    private readonly connection: PacedConnection,
    private readonly send: (subscriptionId: string, frame: PushFrame) => void,
  ) {}

  push(subscriptionId: string, frame: PushFrame): void {
    if (this.waiting.size === 0 && !this.connection.backedUp) return this.send(subscriptionId, frame);
    const newest = supersede(this.waiting.get(subscriptionId), frame);
    // Taken out first, so that no subscription waits for others that change more often.
    this.waiting.delete(subscriptionId);
    this.waiting.set(subscriptionId, newest);
    this.arm();
  }

  /** The subscription has ended. */
  drop(subscriptionId: string): void {
    this.waiting.delete(subscriptionId);
  }

  private arm(): void {
    if (this.isArmed) return;
    this.isArmed = true;
    // What is written in this turn of the event loop reaches the socket at its end; only then is it known whether the
    // socket will report a drain.
    setImmediate(() => {
      if (this.connection.backedUp) this.connection.onDrain(() => this.flush());
      else this.flush();
    });
  }

  private flush(): void {
    this.isArmed = false;
    for (const [subscriptionId, frame] of this.waiting) {
      if (this.connection.backedUp) return this.arm();
      this.waiting.delete(subscriptionId);
      this.send(subscriptionId, frame);
    }
  }
}
