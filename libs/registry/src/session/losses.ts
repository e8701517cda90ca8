import type { SessionContext } from './context.js';
import { LOSSES_SHARE, LOSSES_WINDOW_MS } from './limits.js';

/**
 * Where many clients are lost at about the same time and none has said goodbye, it is rather the way to them that is broken: a
 * switch, a load balancer, a firewall that was loaded anew. They live, and come back when it is mended; meanwhile nobody should
 * be shown lists without them. So what they have published waits for longer, though not for ever, since a rack that is gone
 * looks the same from here.
 */
export class Losses {
  /** Of the latest losses, the oldest first, until they are older than the window. */
  private readonly timesMs: number[] = [];
  /** The latest time in which many were lost: from the first of them to the last so far. */
  private many: { fromMs: number; toMs: number } | undefined;

  constructor(private readonly context: SessionContext) {}

  /** @param left clients that are served, without the one that is lost. */
  lost(left: number): void {
    const { nowMs, limits } = this.context;
    if (limits.massGraceMs <= limits.graceMs) return;
    const { timesMs } = this;
    timesMs.push(nowMs);
    const past = timesMs.findIndex((atMs) => atMs >= nowMs - Math.min(LOSSES_WINDOW_MS, limits.graceMs));
    timesMs.splice(0, past);
    const count = timesMs.length;
    if (count <= Math.max(limits.lossesMany, LOSSES_SHARE * (left + count))) return;
    const fromMs = timesMs[0]!;
    if (this.many && fromMs <= this.many.toMs) {
      this.many.toMs = nowMs;
      return;
    }
    this.many = { fromMs, toMs: nowMs };
    this.context.log('warn', 'clients-lost', { lost: count, left, graceMs: this.graceMs(nowMs) });
  }

  /** How long what a client has published waits for it that was lost then. */
  graceMs(lostAtMs: number): number {
    const { graceMs, massGraceMs } = this.context.limits;
    const isOfMany = this.many !== undefined && lostAtMs >= this.many.fromMs && lostAtMs <= this.many.toMs;
    return isOfMany ? massGraceMs : graceMs;
  }
}
