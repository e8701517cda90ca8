import { NOBODY } from './lease-holders.js';
import { copies } from './memory/kept-publication.js';
import type { Sessions } from './sessions.js';
import type { SlotReplica } from './slot-replica.js';
import type { Outbox } from './telling.js';

/** What one sweep over the slots knows, and how much work it may still do. */
export interface Sweep {
  nowMs: number;
  settledReadAtMs: number | undefined;
  /** False while out of touch with meta, or just after a pause of this process: nobody's lease ends then. */
  mayEndLeases: boolean;
  /** A lease that its owner could renew for less than its length since then is given another. */
  renewableSinceMs: number;
  budget: number;
}

/** Copies in one message: with bodies of the largest size it stays within what a link carries. */
const OFFERED_AT_ONCE = 100;

/** What time takes from a slot that is led here, and what it would take if nobody else kept a copy. */
export class CleanUp {
  constructor(
    private readonly replica: SlotReplica,
    private readonly sessions: Sessions,
  ) {}

  /** Bounded by the budget of the sweep. */
  run(sweep: Sweep, out: Outbox): void {
    this.endLeases(sweep);
    this.removeOrphans(sweep);
    this.offerCopies(sweep, out);
  }

  private endLeases(sweep: Sweep): void {
    for (; sweep.budget > 0; sweep.budget--) {
      const publication = this.replica.leases.due(sweep.nowMs);
      if (!publication) break;
      const { leaseMs = 0 } = publication;
      if (sweep.mayEndLeases && sweep.nowMs - sweep.renewableSinceMs >= leaseMs)
        this.replica.remove(sweep.nowMs, publication, 'lease-ended', 'leader');
      else this.replica.renew(sweep.nowMs, publication);
    }
  }

  /** Waits for completeness: what replaces an orphan may still be on its way from a session server not reconciled. */
  private removeOrphans(sweep: Sweep): void {
    if (!this.replica.isComplete) return;
    const { sessions } = this;
    for (const incarnation of [...this.replica.owners()]) {
      if (!sessions.isGone(sweep.nowMs, incarnation, sweep.settledReadAtMs)) continue;
      const orphans = this.replica.ownedBy(incarnation, Math.max(sweep.budget, 0));
      sweep.budget -= orphans.length;
      for (const orphan of orphans) this.replica.remove(sweep.nowMs, orphan, 'grace-expired', 'leader');
    }
  }

  /**
   * A leased publication whose session server is no longer linked would be lost with this leader. Another session
   * server is given a copy to replay; two that have one do no harm. While partial it is not known yet who has a copy of
   * what was inherited; who has one of what came since is.
   */
  private offerCopies(sweep: Sweep, out: Outbox): void {
    const { slot, leaderEpoch, isComplete } = this.replica;
    const { sessions } = this;
    const { leaseHolders } = this.replica;
    for (const incarnation of leaseHolders.incarnations()) {
      if (sessions.isLinked(incarnation) || (incarnation === NOBODY && !isComplete)) continue;
      const taker = sessions.anyLinked();
      if (!taker) return;
      const offered = [...leaseHolders.heldBy(incarnation)].slice(0, Math.min(sweep.budget, OFFERED_AT_ONCE));
      if (offered.length === 0) continue;
      sweep.budget -= offered.length;
      for (const publication of offered) leaseHolders.set(publication, taker.incarnation);
      const publications = copies(offered);
      out.push({ type: 'send', link: taker.link!, message: { kind: 'adopt', slot, leaderEpoch, publications } });
    }
  }
}
