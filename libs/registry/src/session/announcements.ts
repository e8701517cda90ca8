import { type Publication, failure } from '#model';
import { askOnce } from './ask-once.js';
import type { SessionContext } from './context.js';
import type { ConnectionId } from './contract.js';
import { failNoLeader } from './leases.js';
import { BOUNDS } from './limits.js';
import { refusalOf } from './refusals.js';
import { type Pending, overloaded } from './requests.js';
import type { Slots } from './slots.js';

const MAY_HAVE_BEEN_TOLD = 'The leader of the slot did not answer: subscribers may have been told, or may be told yet.';

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

  publish(
    connection: ConnectionId,
    pending: Pending,
    wallMs: number,
    said: Omit<Publication, 'stamp' | 'owner'>,
  ): void {
    const { context } = this;
    const { registerId, dataInfoId } = said;
    const refusal = refusalOf(context, dataInfoId);
    if (refusal) return pending.fail(refusal);
    const slot = this.slots.all[this.slots.slotOf(dataInfoId)]!;
    if (!slot.isOpen) return failNoLeader(pending);
    if (this.underWay >= BOUNDS.announcements) return pending.fail(overloaded());
    this.underWay++;
    const { leaderEpoch } = slot;
    const requestId = context.nextRequestId();
    const publication = this.temporary(connection, wallMs, said);
    askOnce(context, slot, context.limits.writeDeadlineMs, {
      message: { kind: 'announce', slot: slot.slot, leaderEpoch, requestId, publication },
      answer: 'announced',
      done: (outcome) => {
        this.underWay--;
        if (typeof outcome === 'object') pending.reply({ kind: 'announced', registerId, dataInfoId });
        else pending.fail(failure('OUTCOME_UNKNOWN', MAY_HAVE_BEEN_TOLD));
      },
    });
  }

  /** Nothing compares its stamp, and nobody looks after it by its owner. */
  private temporary(connection: ConnectionId, wallMs: number, said: Omit<Publication, 'stamp' | 'owner'>): Publication {
    const registerTimestamp = said.registerTimestamp || wallMs;
    const session = this.context.self.incarnation;
    return {
      ...said,
      registerTimestamp,
      stamp: [registerTimestamp, 0, 0],
      owner: { kind: 'connected', session, connection },
    };
  }
}
