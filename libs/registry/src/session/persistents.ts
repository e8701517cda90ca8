import {
  type DataInfoId,
  type DatumVersion,
  type Failure,
  type Operation,
  type Publication,
  type PersistResult,
  failure,
} from '#model';
import { askOnce } from './ask-once.js';
import type { SessionContext } from './context.js';
import type { SessionOperation, SessionRequest } from './contract.js';
import { BOUNDS } from './limits.js';
import type { Propagation } from './propagation.js';
import { readOnly } from './read-only.js';
import { refusalOf } from './refusals.js';
import { type Pending, type Waiter, overloaded } from './requests.js';
import type { Slots } from './slots.js';
import type { Traces } from './traces/traces.js';

const RETRY_AFTER_MS = 1_000;

type Outcome = { version: DatumVersion } | { failure: Failure };
type PersistentOperation = Extract<SessionOperation, { op: 'publish' | 'unpublish' }>;

/**
 * Publications that live until a command removes them. Nothing of them is held here, since they live on the disks of the
 * data servers: what is asked for is stamped and answered by the leader of the slot, or it fails and may be repeated.
 */
export class Persistents {
  constructor(
    private readonly context: SessionContext,
    private readonly slots: Slots,
    private readonly stored: (dataInfoId: DataInfoId, version: DatumVersion) => void,
    private readonly propagation: Propagation,
    private readonly traces: Traces,
  ) {}

  publish(
    pending: Pending,
    wallMs: number,
    { publication: wanted, trace }: Extract<SessionRequest, { kind: 'persistentPublish' }>,
  ): void {
    const { registerId } = wanted;
    const traceId = trace && this.traces.begin(registerId, wanted.dataInfoId, wallMs);
    this.put(wanted, wallMs, traceId, (outcome) => {
      if ('failure' in outcome) pending.fail(outcome.failure);
      else {
        const { version } = outcome;
        pending.reply({ kind: 'persisted', registerId, version, ...(traceId === undefined ? {} : { traceId }) });
      }
    });
  }

  unpublish(pending: Pending, registerId: string, dataInfoId: DataInfoId): void {
    this.remove(registerId, dataInfoId, (outcome) => {
      if ('failure' in outcome) pending.fail(outcome.failure);
      else pending.reply({ kind: 'done' });
    });
  }

  /** One of several that a client with a connection asks for. */
  apply(operation: PersistentOperation, wallMs: number, { results, index }: Waiter): void {
    const { registerId, dataInfoId } = operation;
    const settle = (outcome: Outcome): void =>
      results.settle(
        index,
        'failure' in outcome
          ? { status: 'failed', registerId, failure: outcome.failure }
          : { status: 'stored', registerId, dataInfoId, version: outcome.version },
      );
    if (operation.op === 'unpublish') return this.remove(registerId, dataInfoId, settle);
    const { zone, appName, registerTimestamp, body } = operation;
    const owner = { kind: 'persistent' as const };
    const publication = { registerId, dataInfoId, zone, appName, registerTimestamp, owner, body };
    this.put(publication, wallMs, results.traced?.ids[index], settle);
  }

  private put(
    wanted: Omit<Publication, 'stamp'>,
    wallMs: number,
    traceId: string | undefined,
    done: (outcome: Outcome) => void,
  ): void {
    const registerTimestamp = wanted.registerTimestamp || wallMs;
    const publication = { ...wanted, registerTimestamp, stamp: null };
    this.ask(wanted.dataInfoId, { op: 'publish', publication }, done, traceId);
  }

  private remove(registerId: string, dataInfoId: DataInfoId, done: (outcome: Outcome) => void): void {
    this.ask(dataInfoId, { op: 'unpublish', registerId, dataInfoId, stamp: null, cause: 'unpublish' }, done);
  }

  private ask(dataInfoId: DataInfoId, operation: Operation, ended: (outcome: Outcome) => void, traceId?: string): void {
    const { context } = this;
    const done = (outcome: Outcome): void => {
      if ('failure' in outcome) this.traces.answered(traceId, { status: 'failed', failure: outcome.failure });
      else this.traces.answered(traceId, { status: 'stored', version: outcome.version });
      ended(outcome);
    };
    const refusal = operation.op === 'publish' ? refusalOf(context, dataInfoId) : undefined;
    if (refusal) return done({ failure: refusal });
    if (context.switches.readOnly) return done({ failure: readOnly() });
    const slot = this.slots.all[this.slots.slotOf(dataInfoId)]!;
    if (!slot.isOpen) return done(notDurable('NO_LEADER'));
    if (slot.inFlightCount >= BOUNDS.inFlightPerSlot) return done({ failure: overloaded() });
    const { leaderEpoch } = slot;
    const requestId = context.nextRequestId();
    const acceptedAtMs = context.nowMs;
    const accepted = this.slots.accepted(slot.link!, [{ operation, acceptedAtMs, traceId }]);
    askOnce(context, slot, context.limits.persistDeadlineMs, {
      message: { kind: 'persist', slot: slot.slot, leaderEpoch, requestId, operation, ...accepted },
      answer: 'persisted',
      done: (outcome) => {
        if (typeof outcome === 'object') return done(this.outcome(dataInfoId, outcome.result, acceptedAtMs));
        done(notDurable(outcome === 'late' ? 'NOT_DURABLE' : 'NO_LEADER'));
      },
    });
  }

  private outcome(dataInfoId: DataInfoId, result: PersistResult, acceptedAtMs: number): Outcome {
    if (result.status === 'failed') return { failure: result.failure };
    this.propagation.noteStored(acceptedAtMs);
    this.stored(dataInfoId, result.version);
    return { version: result.version };
  }
}

function notDurable(code: 'NO_LEADER' | 'NOT_DURABLE'): Outcome {
  return { failure: failure(code, undefined, { retryAfterMs: RETRY_AFTER_MS }) };
}
