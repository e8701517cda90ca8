import type { LinkId } from '#model';

interface Heartbeat {
  atMs: number;
  tableEpoch: number;
}

/** The lease as the member keeps it, over one link to the meta server that has granted it. */
export class MetaLease {
  nextHeartbeatMs: number;
  /** When meta last showed that it hears us. */
  heardAtMs: number;
  /** Of the last heartbeat sent over this link. */
  private sequence = 0;
  /** Heartbeats that are not acknowledged yet; bounded, since the link dies before they are many. */
  private readonly sent = new Map<number, Heartbeat>();

  constructor(
    nowMs: number,
    readonly link: LinkId,
    readonly address: string,
    private readonly leaseMs: number,
    private readonly heartbeatMs: number,
  ) {
    this.nextHeartbeatMs = this.heardAtMs = nowMs;
  }

  /** Two thirds of a lease: a silent link is replaced while there is still time to be heard over another. */
  get deadAtMs(): number {
    return this.heardAtMs + (this.leaseMs * 2) / 3;
  }

  /** @returns the sequence of the heartbeat that is to be sent now */
  heartbeat(nowMs: number, tableEpoch: number): number {
    this.sequence++;
    this.sent.set(this.sequence, { atMs: nowMs, tableEpoch });
    this.nextHeartbeatMs = nowMs + this.heartbeatMs;
    return this.sequence;
  }

  /** @returns the heartbeat, of which and of all before it no more is awaited; undefined for an unknown one */
  acknowledged(acknowledged: number): Heartbeat | undefined {
    const heartbeat = this.sent.get(acknowledged);
    if (!heartbeat) return undefined;
    for (const sequence of this.sent.keys()) if (sequence <= acknowledged) this.sent.delete(sequence);
    return heartbeat;
  }

  /** Where this process itself stood still, acknowledgements may be waiting unread; the silence was not meta's. */
  forgiveStall(nowMs: number): void {
    const stallMs = nowMs - Math.min(this.nextHeartbeatMs, this.deadAtMs);
    if (stallMs > this.heartbeatMs) this.heardAtMs += stallMs;
  }
}
