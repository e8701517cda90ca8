import { type Publication, failure } from '#model';
import type { SessionContext } from './context.js';
import { failNoLeader } from './leases.js';
import { BOUNDS } from './limits.js';
import { readOnly } from './read-only.js';
import { type Pending, overloaded } from './requests.js';
import type { Slots } from './slots.js';

/**
 * Temporary publications on their way out. They are told once and kept by nobody, so nothing is queued and nothing sent
 * again: what no leader can be asked to tell is refused, and where the answer is lost it is said that nobody knows.
 */
export class Announcements {
  private underWay = 0;

  constructor(
    private readonly context: SessionContext,
    private readonly slots: Slots,
  ) {}

  publish(pending: Pending, publication: Publication): void {
    if (this.context.switches.readOnly) return pending.fail(readOnly());
    const slot = this.slots.all[this.slots.slotOf(publication.dataInfoId)]!;
    if (!slot.isOpen) return failNoLeader(pending);
    if (this.underWay >= BOUNDS.announcements) return pending.fail(overloaded());
    const requestId = this.context.nextRequestId();
    const { leaderEpoch } = slot;
    const { registerId, dataInfoId } = publication;
    let isOver = false;
    const settle = (answer: () => void): void => {
      if (isOver) return;
      isOver = true;
      this.underWay--;
      answer();
    };
    this.underWay++;
    slot.ask({
      message: { kind: 'announce', slot: slot.slot, leaderEpoch, requestId, publication },
      answered: () => settle(() => pending.reply({ kind: 'announced', registerId, dataInfoId })),
      voided: () => settle(() => pending.fail(failure('OUTCOME_UNKNOWN', MAY_HAVE_BEEN_TOLD))),
    });
    this.context.timers.at(this.context.nowMs + this.context.limits.writeDeadlineMs, () => {
      slot.forgetAsk(requestId);
      settle(() => pending.fail(failure('OUTCOME_UNKNOWN', MAY_HAVE_BEEN_TOLD)));
    });
  }
}

const MAY_HAVE_BEEN_TOLD = 'The leader of the slot did not answer: subscribers may have been told, or may be told yet.';
