import {
  type DataInfoId,
  type DatumVersion,
  type Failure,
  type OperationResult,
  type Publication,
  type RemovalCause,
  type Stamp,
  compareStamps,
  failure,
  randomUint32,
} from '#model';
import { merge } from '../merge.js';
import type { SessionContext } from './context.js';
import type { ConnectionId, SessionOperation } from './contract.js';
import { type Entry, type Holdings, type Subject, offered } from './holdings.js';
import { BOUNDS } from './limits.js';
import type { Persistents } from './persistents.js';
import { readOnly, repeats } from './read-only.js';
import { refusalOf } from './refusals.js';
import { NO_WAITERS, type Pending, Results, type Waiter, askedFor, overloaded } from './requests.js';
import { toOperation } from './operation.js';
import type { Propagation } from './propagation.js';
import type { Sent, SlotLink } from './slot-link.js';
import type { Slots } from './slots.js';
import type { Traces } from './traces/traces.js';

type Publish = Extract<SessionOperation, { op: 'publish' }>;
type Unpublish = Extract<SessionOperation, { op: 'unpublish' }>;

/**
 * What clients with a connection publish and unpublish. It is recorded here first, and what is recorded is what the
 * slot's leader is told: at once if it can be reached, else by the digest that every new way to it begins with.
 */
export class Writes {
  private readonly nonces = new Map<ConnectionId, number>();
  /**
   * In the order in which they came, which is that of their deadlines: so one timer serves all of them, and nothing is held
   * of what has its answer long before.
   */
  private readonly unanswered = new Set<Results>();
  private isDeadlineSet = false;

  constructor(
    private readonly context: SessionContext,
    private readonly holdings: Holdings,
    private readonly slots: Slots,
    private readonly persistents: Persistents,
    /** Told the version at which the leader stored something. */
    private readonly stored: (dataInfoId: DataInfoId, version: DatumVersion) => void,
    /** Whether a connection is up, so that its client can have nothing newer elsewhere. */
    private readonly isUp: (connection: ConnectionId) => boolean,
    private readonly propagation: Propagation,
    private readonly traces: Traces,
    /** Whether operators have switched off the client of a connection. */
    private readonly isOff: (connection: ConnectionId) => boolean,
    /** Whether what a connection publishes need not be told before what others ask for. */
    private readonly canWait: (connection: ConnectionId) => boolean,
  ) {}

  apply(connection: ConnectionId, pending: Pending, wallMs: number, operations: SessionOperation[]): void {
    const results = new Results(pending, operations);
    if (operations.some(isTraced))
      results.traced = {
        ids: operations.map((operation) =>
          isTraced(operation) ? this.traces.begin(operation.registerId, operation.dataInfoId, wallMs) : undefined,
        ),
        answered: (traceId, result) => this.traces.answered(traceId, result),
      };
    operations.forEach((operation, index) => {
      const waiter = { results, index };
      if (operation.op !== 'refused' && operation.persistent) this.persistents.apply(operation, wallMs, waiter);
      else if (operation.op === 'publish') this.publish(connection, operation, wallMs, waiter);
      else if (operation.op === 'unpublish') this.unpublish(connection, operation, waiter);
      else settleFailed(waiter, operation.registerId, operation.failure);
    });
    if (!pending.isOpen) return;
    this.unanswered.add(results);
    results.unanswered = this.unanswered;
    this.setDeadline();
  }

  private setDeadline(): void {
    const [oldest] = this.isDeadlineSet ? [] : this.unanswered;
    if (!oldest) return;
    this.isDeadlineSet = true;
    this.context.timers.at(this.deadlineOf(oldest), () => {
      this.isDeadlineSet = false;
      for (const results of this.unanswered) {
        if (this.deadlineOf(results) > this.context.nowMs) break;
        this.unanswered.delete(results);
        results.acceptRest();
      }
      this.setDeadline();
    });
  }

  private deadlineOf({ acceptedAtMs }: Results): number {
    return acceptedAtMs + this.context.limits.writeDeadlineMs;
  }

  /** Removes what the connection still owns, with the stamps that travelled over it, so that it loses to any replay. */
  removeOwned(connection: ConnectionId, cause: RemovalCause): void {
    for (const entry of [...this.holdings.ownedBy(connection)]) {
      this.remove(entry, entry.stamp, cause, entry.stampedHere, NO_WAITERS);
    }
    this.nonces.delete(connection);
  }

  /** What the connection owns leaves every view, at the stamps it has; the client holds it still. */
  withdrawOwned(connection: ConnectionId): number {
    const entries = [...this.holdings.ownedBy(connection)].filter((entry) => !entry.isWithdrawn);
    for (const entry of entries) {
      this.holdings.withdraw(entry);
      this.forward(entry, NO_WAITERS);
    }
    return entries.length;
  }

  /**
   * Only a higher stamp brings back what was withdrawn, and no server makes one for a client that has its own (invariant 1):
   * that client is told what stands against it, and publishes again above. One that is not up has published elsewhere,
   * or will.
   */
  bringBackOwned(connection: ConnectionId): number {
    if (!this.isUp(connection)) return 0;
    const entries = [...this.holdings.ownedBy(connection)].filter((entry) => entry.isWithdrawn);
    for (const entry of entries) {
      if (entry.stampedHere) this.restamp(entry, entry.stamp, NO_WAITERS);
      else this.tellStale(entry, entry.stamp);
    }
    return entries.length;
  }

  private publish(connection: ConnectionId, operation: Publish, wallMs: number, waiter: Waiter): void {
    const { registerId, dataInfoId, zone, appName, body } = operation;
    const subject = this.subjectOf(operation);
    const slot = this.slots.all[subject.slot]!;
    const held = this.holdings.find(subject);
    const refusal = refusalOf(this.context, dataInfoId);
    if (refusal && !repeats(operation, held?.publication)) return settleFailed(waiter, registerId, refusal);
    const stampedHere = operation.stamp === null;
    const stamp = operation.stamp ?? this.makeStamp(connection, held?.stamp, wallMs);
    const verdict = held
      ? merge({ stamp: held.stamp, live: held.publication !== undefined }, { stamp, live: true })
      : 'take';
    if (verdict === 'stale') return settleStale(waiter, registerId, held!.stamp);
    if (verdict === 'repeat') {
      // Invariant 1: one stamp is only ever sent over one connection.
      if (!isOwner(held!, connection)) return settleStale(waiter, registerId, held!.stamp);
      return this.forward(held!, [waiter]);
    }
    const isFull = !held?.publication && this.holdings.publicationCount >= BOUNDS.publications;
    if (isFull || slot.inFlightCount >= BOUNDS.inFlightPerSlot) return settleFailed(waiter, registerId, overloaded());
    const registerTimestamp = operation.registerTimestamp || held?.publication?.registerTimestamp || wallMs;
    const publication: Publication = {
      registerId,
      dataInfoId,
      zone,
      appName,
      registerTimestamp,
      stamp,
      owner: { kind: 'connected', session: this.context.self.incarnation, connection },
      body,
    };
    if (held && !isOwner(held, connection)) this.tellOvertaken(held, stamp);
    const entry = this.holdings.hold(subject, publication, stampedHere, this.isOff(connection));
    entry.restamps = 0;
    this.forward(entry, [waiter], this.canWait(connection));
  }

  private unpublish(connection: ConnectionId, operation: Unpublish, waiter: Waiter): void {
    const { registerId } = operation;
    if (this.context.switches.readOnly) return settleFailed(waiter, registerId, readOnly());
    const subject = this.subjectOf(operation);
    const held = this.holdings.find(subject);
    if (this.slots.all[subject.slot]!.inFlightCount >= BOUNDS.inFlightPerSlot)
      return settleFailed(waiter, registerId, overloaded());
    if (operation.stamp === null) {
      if (!held?.publication) return settleFailed(waiter, registerId, failure('NOT_REGISTERED'));
      return this.remove(subject, this.raise(connection, held.stamp), 'unpublish', true, [waiter]);
    }
    if (held) {
      const verdict = merge(
        { stamp: held.stamp, live: held.publication !== undefined },
        { stamp: operation.stamp, live: false },
      );
      const isForeign =
        held.publication && compareStamps(held.stamp, operation.stamp) === 0 && !isOwner(held, connection);
      if (verdict === 'stale' || isForeign) return settleStale(waiter, registerId, held.stamp);
      if (!isOwner(held, connection)) this.tellOvertaken(held, operation.stamp);
    }
    this.remove(subject, operation.stamp, 'unpublish', false, [waiter]);
  }

  private remove(
    subject: Subject,
    stamp: Stamp,
    cause: RemovalCause,
    stampedHere: boolean,
    waiters: readonly Waiter[],
  ): void {
    const untilMs = this.context.nowMs + this.context.limits.tombstoneMs;
    this.forward(this.holdings.remove(subject, stamp, cause, untilMs, stampedHere), waiters);
  }

  private forward(entry: Entry, waiters: readonly Waiter[], canWait = false): void {
    const slot = this.slots.all[entry.slot]!;
    const isRestamped = entry.restamps > 0;
    const operation = toOperation(entry);
    const { acceptedAtMs = this.context.nowMs, traceId } = askedFor(waiters);
    if (!slot.enqueue({ operation, acceptedAtMs, traceId, waiters, isRestamped, canWait }))
      this.awaitProof(slot, entry, waiters);
  }

  /** The next digest tells what is held, and its answer settles those who wait. */
  private awaitProof(slot: SlotLink, entry: Entry, waiters: readonly Waiter[]): void {
    const open = waiters.filter((waiter) => waiter.results.isOpen(waiter.index));
    if (open.length === 0) return;
    entry.waiters = entry.waiters.filter((waiter) => waiter.results.isOpen(waiter.index)).concat(open);
    slot.unproven.add(entry);
  }

  settled(slot: SlotLink, sent: Sent, result: OperationResult): void {
    if (result.status === 'stored') {
      this.propagation.noteStored(sent.acceptedAtMs);
      this.traces.answered(sent.traceId, result);
    }
    if (sent.leased) return sent.leased(result);
    const { operation, waiters } = sent;
    const subject = subjectOf(slot, operation);
    if (result.status === 'stored') {
      for (const waiter of waiters) settleStored(waiter, subject, result.version);
      this.stored(subject.dataInfoId, result.version);
      if (!sent.isRestamped) return;
    }
    const entry = this.holdings.find(subject);
    if (result.status === 'stored') {
      if (entry) entry.restamps = 0;
      return;
    }
    const stamp = operation.op === 'publish' ? operation.publication.stamp : operation.stamp;
    const isCurrent =
      entry !== undefined &&
      compareStamps(entry.stamp, stamp!) === 0 &&
      (offered(entry) !== undefined) === (operation.op === 'publish');
    if (isCurrent) return this.refused(slot, entry, result.held, waiters);
    for (const waiter of waiters) settleStale(waiter, subject.registerId, result.held);
  }

  /** The link or the leader was lost before the answer: the leader may have it or not. */
  voided(slot: SlotLink, sent: Sent): void {
    if (sent.leased) return sent.leased('unknown');
    if (sent.waiters.length === 0) return;
    const entry = this.holdings.find(subjectOf(slot, sent.operation));
    // What replaced it since then speaks for it: the client's own later word.
    if (entry) this.awaitProof(slot, entry, sent.waiters);
  }

  proven(slot: SlotLink, entry: Entry): void {
    const { waiters } = entry;
    const { acceptedAtMs, traceId } = askedFor(waiters);
    this.propagation.noteStored(acceptedAtMs);
    this.traces.answered(traceId, { status: 'stored', version: { leaderEpoch: slot.leaderEpoch, sequence: 0 } });
    entry.waiters = NO_WAITERS;
    entry.restamps = 0;
    // The exact version of the change is not known any more; every version of this leader is at least this one.
    for (const waiter of waiters) settleStored(waiter, entry, { leaderEpoch: slot.leaderEpoch, sequence: 0 });
  }

  outdated(slot: SlotLink, entry: Entry, held: Stamp): void {
    // Where the client has gone on meanwhile, the result of its later word decides.
    if (compareStamps(entry.stamp, held) <= 0) this.refused(slot, entry, held, NO_WAITERS);
  }

  /** A leader holds something newer for what is held here. */
  private refused(slot: SlotLink, entry: Entry, held: Stamp, sentWaiters: readonly Waiter[]): void {
    const waiters = [...entry.waiters, ...sentWaiters].filter((waiter) => waiter.results.isOpen(waiter.index));
    entry.waiters = NO_WAITERS;
    slot.unproven.delete(entry);
    if (entry.stampedHere && entry.restamps < BOUNDS.restamps && this.isClientsWord(entry))
      return this.restamp(entry, held, waiters);
    this.holdings.drop(entry);
    for (const waiter of waiters) settleStale(waiter, entry.registerId, held);
    if (waiters.length === 0) this.tellStale(entry, held);
  }

  /**
   * The word of another connection takes the place of what is held for one that is up, and which would never hear of it: no
   * leader refuses what is not sent to it any more. Its client publishes again above, if it still means what it said. One
   * that has gone on itself, over another connection, has kept timestamp and nonce.
   */
  private tellOvertaken(held: Entry, stamp: Stamp): void {
    const owner = held.publication?.owner;
    if (held.stamp[0] === stamp[0] && held.stamp[2] === stamp[2]) return;
    if (owner?.kind === 'connected' && !held.stampedHere && this.isUp(owner.connection)) this.tellStale(held, stamp);
  }

  private tellStale({ registerId, publication }: Entry, held: Stamp): void {
    const owner = publication?.owner;
    if (owner?.kind !== 'connected') return;
    this.context.emit({ type: 'notice', connection: owner.connection, notice: { type: 'stale', registerId, held } });
  }

  /**
   * Only the client's own word may be raised above what somebody else has said since. Of a lost connection nothing is:
   * its client has perhaps published elsewhere, and the end of the grace would take that (invariant 2).
   */
  private isClientsWord({ publication, cause }: Entry): boolean {
    if (!publication) return cause === 'unpublish';
    return publication.owner.kind === 'connected' && this.isUp(publication.owner.connection);
  }

  /** The client keeps no stamps, so this server answers for it, a bounded number of times in a row. */
  private restamp(entry: Entry, held: Stamp, waiters: readonly Waiter[]): void {
    entry.restamps++;
    const stamp: Stamp = [held[0], held[1] + 1, entry.stamp[2]];
    if (!entry.publication) return this.remove(entry, stamp, 'unpublish', true, waiters);
    const { owner } = entry.publication;
    const isOff = owner.kind === 'connected' && this.isOff(owner.connection);
    this.forward(this.holdings.hold(entry, { ...entry.publication, stamp }, true, isOff), waiters);
  }

  private makeStamp(connection: ConnectionId, held: Stamp | undefined, wallMs: number): Stamp {
    if (held && held[0] >= wallMs) return this.raise(connection, held);
    return [wallMs, 1, this.nonceOf(connection)];
  }

  private raise(connection: ConnectionId, held: Stamp): Stamp {
    return [held[0], held[1] + 1, this.nonceOf(connection)];
  }

  /** Drawn once per connection, so that no two connections make the same stamp in the same millisecond. */
  private nonceOf(connection: ConnectionId): number {
    let nonce = this.nonces.get(connection);
    if (nonce === undefined) this.nonces.set(connection, (nonce = randomUint32(this.context.random)));
    return nonce;
  }

  private subjectOf(operation: { registerId: string; dataInfoId: DataInfoId }): Subject {
    const { registerId, dataInfoId } = operation;
    return { slot: this.slots.slotOf(dataInfoId), registerId, dataInfoId };
  }
}

function subjectOf(slot: SlotLink, operation: Sent['operation']): Subject {
  const { registerId, dataInfoId } = operation.op === 'publish' ? operation.publication : operation;
  return { slot: slot.slot, registerId, dataInfoId };
}

function isTraced(operation: SessionOperation): operation is Publish & { trace: true } {
  return operation.op === 'publish' && operation.trace === true;
}

function isOwner(entry: Entry, connection: ConnectionId): boolean {
  const owner = entry.publication?.owner;
  return owner?.kind === 'connected' && owner.connection === connection;
}

function settleStored({ results, index }: Waiter, subject: Subject, version: DatumVersion): void {
  const { registerId, dataInfoId } = subject;
  results.settle(index, { status: 'stored', registerId, dataInfoId, version });
}

function settleStale(waiter: Waiter, registerId: string, held: Stamp): void {
  settleFailed(waiter, registerId, failure('STALE_REGISTRATION', undefined, { details: { held } }));
}

function settleFailed({ results, index }: Waiter, registerId: string, problem: Failure): void {
  results.settle(index, { status: 'failed', registerId, failure: problem });
}
