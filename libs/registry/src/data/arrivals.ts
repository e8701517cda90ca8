import type { SessionToData } from '#model';
import { Histogram } from '../histogram.js';
import type { SlotReplica } from './slot-replica.js';

/** What a session server says of operations beside themselves. */
export type Arriving = Pick<Extract<SessionToData, { kind: 'operations' }>, 'acceptedAtMs' | 'traces'>;

/** How long what session servers accept takes until the leader of its slot has applied it. */
export class Arrivals {
  readonly applied = new Histogram();

  /**
   * To be told of what is applied next, until what it changes is taken. It was accepted at that time, by the clock of this
   * server as the session server reckons it, which may be slightly off. Where that is undefined it has been told before, or
   * by one who does not know this clock.
   */
  note({ changes }: SlotReplica, nowMs: number, { acceptedAtMs, traces }: Arriving, operations = 1): void {
    changes.traces.begin(nowMs, traces);
    const isTold = typeof acceptedAtMs === 'number' && Number.isFinite(acceptedAtMs);
    changes.times = isTold ? [Math.min(acceptedAtMs, nowMs), nowMs] : undefined;
    if (isTold) this.applied.observe(nowMs - acceptedAtMs, operations);
  }
}
