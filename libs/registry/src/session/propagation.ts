import { Histogram } from '../histogram.js';
import type { Passage } from './passages.js';
import type { Subscription } from './subscription.js';

/** When a publication was accepted, and when the leader of its slot has applied it. */
export interface Times {
  acceptedAtMs: number;
  appliedAtMs: number;
}

/** How long changes take, from one end to the other. What ends at a data server is measured there. */
export interface PropagationTimes {
  /** From the acceptance of a publication here until the leader's word for it: by this server's clock. */
  readonly stored: Histogram;
  /** Of each change that arrives, since the leader has applied it: by the clocks of two servers. */
  readonly arrived: Histogram;
  /** From there until the push to each subscriber; and then until that has acknowledged it: by this server's clock. */
  readonly pushed: Histogram;
  readonly acked: Histogram;
  /** From the acceptance, wherever that was, until the acknowledgement of each subscriber: by the clocks of two servers. */
  readonly total: Histogram;
}

/**
 * Measures how long changes take on their way. A push counts for the oldest change that it brings, and once for each
 * subscriber: a push that is repeated, or refused and made good by another, took as long as until the acknowledgement of
 * the last. What a subscriber is sent first is no change, and counts for none.
 */
export class Propagation implements PropagationTimes {
  readonly stored = new Histogram();
  readonly arrived = new Histogram();
  readonly pushed = new Histogram();
  readonly acked = new Histogram();
  readonly total = new Histogram();

  constructor(private readonly clock: { readonly nowMs: number }) {}

  /** The leader has it. */
  noteStored(acceptedAtMs: number | undefined): void {
    if (acceptedAtMs !== undefined) this.stored.observe(this.clock.nowMs - acceptedAtMs);
  }

  /** What a leader says of a change, by this server's clock. */
  take(times: Times | undefined): Passage {
    const arrivedAtMs = this.clock.nowMs;
    if (times) this.arrived.observe(arrivedAtMs - times.appliedAtMs);
    return { acceptedAtMs: times?.acceptedAtMs, arrivedAtMs };
  }

  /** A push with content goes out, and what the subscriber held until now is not noted as the former yet. */
  notePushed(subscription: Subscription): void {
    const { view, serial, last, passage } = subscription;
    if (passage !== undefined || last === 'none' || last === 'pending' || serial < 0) return;
    const first = view.passages.after(serial);
    if (!first) return;
    this.pushed.observe(this.clock.nowMs - first.arrivedAtMs);
    if (!subscription.acks) return;
    subscription.passage = first;
    subscription.passedAtMs = this.clock.nowMs;
  }

  noteAcknowledged(subscription: Subscription): void {
    const { passage, passedAtMs } = subscription;
    if (!passage) return;
    subscription.passage = undefined;
    const { nowMs } = this.clock;
    this.acked.observe(nowMs - passedAtMs);
    if (passage.acceptedAtMs !== undefined) this.total.observe(nowMs - passage.acceptedAtMs);
  }
}
