import {
  type DataInfoId,
  type DataToSession,
  type DatumVersion,
  type OperationResult,
  type Publication,
  type Stamp,
  compareStamps,
  failure,
  parseLeasedRegisterId,
} from '#model';
import { merge } from '../merge.js';
import type { SessionContext } from './context.js';
import type { SessionRequest } from './contract.js';
import type { Holdings, Subject } from './holdings.js';
import { BOUNDS, NO_LEADER_RETRY_MS } from './limits.js';
import { readOnly, repeats } from './read-only.js';
import { refusalOf } from './refusals.js';
import { NO_WAITERS, type Pending, overloaded } from './requests.js';
import type { Sent, SlotLink } from './slot-link.js';
import type { Slots } from './slots.js';
import type { Traces } from './traces/traces.js';

/**
 * Leased publications, which come over HTTP: stamped by the slot leader, never queued here. While the slot is given to
 * another leader a request waits for that one, for no longer than it would for an answer, if it is certain that the former
 * has not taken it: taken twice, it might undo what was done in between. A copy of what was stored is kept, to be
 * replayed to a next leader, until the leader says that the lease has ended.
 */
export class Leases {
  constructor(
    private readonly context: SessionContext,
    private readonly holdings: Holdings,
    private readonly slots: Slots,
    private readonly stored: (dataInfoId: DataInfoId, version: DatumVersion) => void,
    private readonly traces: Traces,
    /** Told of every copy that is kept from now on, and of every publication that has ended. */
    private readonly copies: { keeps(publication: Publication): void; hasEnded(registerId: string): void },
  ) {}

  publish(
    pending: Pending,
    wallMs: number,
    { publication: wanted, replay, trace }: Extract<SessionRequest, { kind: 'leasedPublish' }>,
  ): void {
    const slot = this.leaderOf(pending, wanted.dataInfoId);
    if (!slot) return;
    if (this.holdings.publicationCount >= BOUNDS.publications) return pending.fail(overloaded());
    const { registerId, dataInfoId, owner } = wanted;
    const subject = { slot: slot.slot, registerId, dataInfoId };
    const held = this.holdings.find(subject)?.publication;
    const refusal = refusalOf(this.context, dataInfoId);
    if (refusal && !repeats({ ...wanted, replay }, held)) return pending.fail(refusal);
    const publication = {
      ...wanted,
      registerTimestamp: wanted.registerTimestamp || held?.registerTimestamp || wallMs,
    };
    const traceId = trace && this.traces.begin(registerId, dataInfoId, wallMs);
    if (traceId !== undefined)
      pending.onFailed = (failure) => this.traces.answered(traceId, { status: 'failed', failure });
    const operation = { op: 'publish' as const, publication: { ...publication, stamp: null } };
    this.send(slot, pending, { operation, traceId }, ({ stamp, version }) => {
      this.keep(subject, { ...publication, stamp });
      this.stored(dataInfoId, version);
      const leaseMs = owner.kind === 'leased' ? owner.leaseMs : 0;
      pending.reply({ kind: 'leased', registerId, version, leaseMs, ...(traceId === undefined ? {} : { traceId }) });
    });
  }

  unpublish(pending: Pending, registerId: string, dataInfoId: DataInfoId): void {
    if (this.context.switches.readOnly) return pending.fail(readOnly());
    const slot = this.leaderOf(pending, dataInfoId);
    if (!slot) return;
    const operation = { op: 'unpublish' as const, registerId, dataInfoId, stamp: null, cause: 'unpublish' as const };
    this.send(slot, pending, { operation }, ({ stamp, version }) => {
      this.forget({ slot: slot.slot, registerId, dataInfoId }, stamp, 'unpublish');
      this.stored(dataInfoId, version);
      pending.reply({ kind: 'done' });
    });
  }

  renew(pending: Pending, registerId: string, dataInfoId: DataInfoId): void {
    const slot = this.leaderOf(pending, dataInfoId);
    if (!slot) return;
    const subject = { slot: slot.slot, registerId, dataInfoId };
    let requestId = 0;
    // It may be done twice, so it need not be known what became of it.
    const attempt = (): void => {
      if (!pending.isOpen) return;
      requestId = this.context.nextRequestId();
      const adopt = !this.holdings.find(subject)?.publication;
      const { leaderEpoch } = slot;
      slot.ask({
        message: { kind: 'renew', slot: slot.slot, leaderEpoch, requestId, registerId, dataInfoId, adopt },
        answered: (message) => {
          if (message.kind === 'renewed') this.renewed(pending, subject, message);
        },
        voided: attemptOrFail,
      });
    };
    const attemptOrFail = (): void => {
      if (!slot.whenLed(attempt)) failNoLeader(pending);
    };
    attemptOrFail();
    this.context.timers.at(this.context.nowMs + this.context.limits.writeDeadlineMs, () => {
      slot.forgetAsk(requestId);
      failNoLeader(pending);
    });
  }

  ended(slot: SlotLink, message: Extract<DataToSession, { kind: 'leaseEnded' }>): void {
    for (const { registerId, stamp } of message.ended) {
      this.copies.hasEnded(registerId);
      const dataInfoId = parseLeasedRegisterId(registerId)?.dataInfoId;
      if (dataInfoId === undefined) continue;
      const subject = { slot: slot.slot, registerId, dataInfoId };
      if (this.holdings.find(subject)?.publication) this.forget(subject, stamp, 'lease-ended');
    }
  }

  adopt(slot: SlotLink, { publications }: Extract<DataToSession, { kind: 'adopt' }>): void {
    for (const publication of publications) {
      if (this.holdings.publicationCount >= BOUNDS.publications) return;
      const { registerId, dataInfoId } = publication;
      this.keep({ slot: slot.slot, registerId, dataInfoId }, publication);
    }
  }

  /** The leader of its slot has stored it for this server. */
  keepCopy(publication: Publication): void {
    const { registerId, dataInfoId } = publication;
    this.keep({ slot: this.slots.slotOf(dataInfoId), registerId, dataInfoId }, publication);
  }

  private renewed(pending: Pending, subject: Subject, { result }: Extract<DataToSession, { kind: 'renewed' }>): void {
    if (result.status === 'renewed') {
      if (result.publication) this.keep(subject, result.publication);
      return pending.reply({ kind: 'renewed', expiresInMs: result.expiresInMs });
    }
    const held = this.holdings.find(subject);
    // Only a complete leader says so, and links keep order: it has seen everything that we had to tell.
    if (result.failure.code === 'NOT_REGISTERED' && held?.publication?.owner.kind === 'leased')
      this.holdings.drop(held);
    pending.fail(result.failure);
  }

  private send(
    slot: SlotLink,
    pending: Pending,
    { operation, traceId }: Pick<Sent, 'operation' | 'traceId'>,
    stored: (result: Extract<OperationResult, { status: 'stored' }>) => void,
  ): void {
    const leased: Sent['leased'] = (result) => {
      if (result === 'notTaken') attemptOrFail();
      else if (result === 'unknown') failNoLeader(pending);
      else if (result.status === 'stored') stored(result);
      else pending.fail(failure('STALE_REGISTRATION', undefined, { details: { held: result.held } }));
    };
    const { acceptedAtMs } = pending;
    const attempt = (): void => {
      if (pending.isOpen) slot.enqueue({ operation, acceptedAtMs, traceId, waiters: NO_WAITERS, leased });
    };
    const attemptOrFail = (): void => {
      if (!slot.whenLed(attempt)) failNoLeader(pending);
    };
    attemptOrFail();
    this.context.timers.at(this.context.nowMs + this.context.limits.writeDeadlineMs, () => failNoLeader(pending));
  }

  private leaderOf(pending: Pending, dataInfoId: DataInfoId): SlotLink | undefined {
    const slot = this.slots.all[this.slots.slotOf(dataInfoId)]!;
    if (!slot.isNear) failNoLeader(pending);
    else if (slot.inFlightCount >= BOUNDS.inFlightPerSlot) pending.fail(overloaded());
    else return slot;
    return undefined;
  }

  private keep(subject: Subject, publication: Publication): void {
    this.copies.keeps(publication);
    const held = this.holdings.find(subject);
    const incoming = { stamp: publication.stamp, live: true };
    if (!held || merge({ stamp: held.stamp, live: held.publication !== undefined }, incoming) === 'take')
      this.holdings.hold(subject, publication, false);
  }

  /** Remembered, so that a next leader, whom another session server may have given the old copy, learns of the end. */
  private forget(subject: Subject, stamp: Stamp, cause: 'lease-ended' | 'unpublish'): void {
    const held = this.holdings.find(subject);
    if (held && compareStamps(held.stamp, stamp) > 0) return;
    this.holdings.remove(subject, stamp, cause, this.context.nowMs + this.context.limits.tombstoneMs, false);
  }
}

export function failNoLeader(pending: Pending): void {
  pending.fail(failure('NO_LEADER', undefined, { retryAfterMs: NO_LEADER_RETRY_MS }));
}
