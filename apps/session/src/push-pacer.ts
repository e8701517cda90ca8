import type { ConfigFrame, PushFrame } from '#registry';

export type PacedFrame = PushFrame | ConfigFrame;

/** What pacing needs of whatever pushes are written to. */
export interface PacedConnection {
  /** True while the peer takes less than is written. */
  readonly backedUp: boolean;
  /** Calls `listener` once when the peer has taken everything. */
  onDrain(listener: () => void): () => void;
}

/**
 * Holds pushes back while their reader is slow, and says so, whereupon the core makes no more of them: what is newer by
 * then is pushed when the reader has taken everything. So a reader costs a bounded amount of memory however slow it is,
 * also one that never acknowledges. What waits here was pushed before the core heard of it; since a delta counts upon
 * the push before it, nothing of that may be left out.
 */
export class PushPacer {
  private waiting: { subscriptionId: string; frame: PacedFrame }[] = [];
  private isArmed = false;

  constructor(
    private readonly connection: PacedConnection,
    private readonly send: (subscriptionId: string, frame: PacedFrame) => void,
    private readonly backedUp: (isBackedUp: boolean) => void,
  ) {}

  push(subscriptionId: string, frame: PacedFrame): void {
    if (!this.isArmed && !this.connection.backedUp) return this.send(subscriptionId, frame);
    this.waiting.push({ subscriptionId, frame });
    if (this.isArmed) return;
    this.arm();
    this.backedUp(true);
  }

  /** The subscription has ended. */
  drop(subscriptionId: string): void {
    if (this.waiting.length > 0) this.waiting = this.waiting.filter((each) => each.subscriptionId !== subscriptionId);
  }

  private arm(): void {
    this.isArmed = true;
    // What is written in this turn of the event loop reaches the socket at its end; only then is it known whether the
    // socket will report a drain.
    setImmediate(() => {
      if (this.connection.backedUp) this.connection.onDrain(() => this.flush());
      else this.flush();
    });
  }

  private flush(): void {
    const { waiting } = this;
    for (const [i, { subscriptionId, frame }] of waiting.entries()) {
      if (this.connection.backedUp) {
        this.waiting = waiting.slice(i);
        return this.arm();
      }
      this.send(subscriptionId, frame);
    }
    this.waiting = [];
    this.isArmed = false;
    this.backedUp(false);
  }
}
