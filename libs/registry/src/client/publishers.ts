import {
  type ClientOperation,
  type ClientResult,
  type Code,
  type Failure,
  type Random,
  type Stamp,
  CODES,
  checkData,
  compareStamps,
  failure,
  logged,
} from '#model';
import type { ClientEffect, ClientEvent, ClientLimits, Registration, Settled } from './contract.js';
import { APPLY_BYTES, RETRY_AFTER_MAX_MS, STALE_ATTEMPTS, STALE_STREAK_MS } from './limits.js';
import { type Publisher, bytesOf, createPublisher, nextOperation } from './publisher.js';
import { canExceed, heldStamp, isObject, readResults } from './received.js';
import { RetrySchedule, backoffMs } from './retry.js';

/** What is refused so for being new is taken as the repetition of what was acknowledged. */
const TAKE_REPLAYS: ReadonlySet<Code> = new Set<Code>(['READ_ONLY', 'BLACKLISTED']);

/** One `registry.apply` under way. */
export interface Batch {
  publishers: Publisher[];
  operations: ClientOperation[];
}

/**
 * Every registration of the client and its way to the servers. A change waits until the one before it is answered, and
 * merges with what waits already; so the queue holds at most one operation per publisher, and the last word wins.
 */
export class PublisherBook {
  private readonly publishers = new Map<number, Publisher>();
  private readonly byRegisterId = new Map<string, Publisher>();
  private readonly waiting = new Set<Publisher>();
  private readonly retries = new RetrySchedule<Publisher>();
  private pendingCalls = 0;
  private draining = false;

  constructor(
    private readonly defaults: { zone?: string; appName?: string },
    private readonly limits: ClientLimits,
    private readonly random: Random,
    private readonly emit: (effect: ClientEffect) => void,
  ) {}

  get nextRetryMs(): number {
    return this.retries.nextMs;
  }

  publish(event: ClientEvent & { type: 'publish' }): void {
    if (this.publishers.has(event.publisher)) return this.refuse(event.call, failure('BAD_REQUEST'));
    if (this.isFull(event.call)) return;
    if (!isObject(event.registration)) return this.refuse(event.call, failure('BAD_REQUEST'));
    const registration: Registration = { ...this.defaults, ...withoutUndefined(event.registration) };
    const publisher = createPublisher(event.publisher, registration, event.wallMs, this.random);
    if ('code' in publisher) return this.refuse(event.call, publisher);
    const namesake = this.byRegisterId.get(publisher.registerId);
    if (namesake && !this.supersede(namesake, publisher))
      return this.refuse(
        event.call,
        failure('BAD_REQUEST', `registerId ${publisher.registerId} is in use by another publisher of this client.`),
      );
    this.publishers.set(publisher.number, publisher);
    this.byRegisterId.set(publisher.registerId, publisher);
    this.track(publisher, event.call);
    this.enqueue(publisher);
  }

  republish(event: ClientEvent & { type: 'republish' }): void {
    const publisher = this.publishers.get(event.publisher);
    if (!publisher?.live) return this.refuse(event.call, failure('NOT_REGISTERED'));
    if (this.isFull(event.call)) return;
    const fault = checkData(event.data);
    if (fault) return this.refuse(event.call, fault);
    publisher.data = event.data;
    publisher.bytes = bytesOf(event.data, publisher.registration.attributes);
    publisher.change++;
    if (event.trace) publisher.traced = publisher.change;
    this.track(publisher, event.call);
    this.enqueue(publisher);
  }

  unpublish(event: ClientEvent & { type: 'unpublish' }): void {
    const publisher = this.publishers.get(event.publisher);
    if (!publisher) return this.emit({ type: 'settled', call: event.call, outcome: { ok: true, stored: true } });
    if (publisher.live) {
      publisher.live = false;
      publisher.change++;
    }
    this.track(publisher, event.call);
    if (publisher.stamp[1] === 0) this.remove(publisher, { ok: true, stored: false });
    else this.enqueue(publisher);
  }

  /** A new connection: everything is sent over it, unpublishes not yet acknowledged too. */
  replay(): void {
    for (const publisher of this.publishers.values()) this.waiting.add(publisher);
  }

  /** What was in flight may or may not have arrived; the replay will tell. */
  disconnected(): void {
    this.waiting.clear();
    this.retries.clear();
    for (const publisher of this.publishers.values()) {
      delete publisher.sent;
      publisher.retries = 0;
      publisher.replay = 'possible';
    }
  }

  wake(nowMs: number): void {
    for (const publisher of this.retries.due(nowMs))
      if (!(this.draining && publisher.live)) this.waiting.add(publisher);
  }

  /** From now on only unpublishes are sent: what else is published leaves by the goodbye. */
  drain(): void {
    this.draining = true;
    for (const publisher of this.waiting) if (publisher.live) this.waiting.delete(publisher);
  }

  nextBatch(): Batch | undefined {
    if (this.waiting.size === 0) return undefined;
    const batch: Batch = { publishers: [], operations: [] };
    let bytes = 0;
    for (const publisher of this.waiting) {
      const full = batch.publishers.length >= this.limits.applyBatch || bytes + publisher.bytes > APPLY_BYTES;
      if (batch.publishers.length > 0 && (full || publisher.alone)) break;
      this.waiting.delete(publisher);
      batch.publishers.push(publisher);
      batch.operations.push(nextOperation(publisher));
      bytes += publisher.bytes;
      if (publisher.alone) break;
    }
    return batch;
  }

  applied(nowMs: number, batch: Batch, response: unknown): void {
    const results = readResults(response, batch.publishers.length);
    for (const [index, publisher] of batch.publishers.entries())
      this.answered(nowMs, publisher, results[index] as ClientResult);
  }

  /** The whole request failed. Refused for good, its operations are sent once more one by one. */
  applyFailed(nowMs: number, batch: Batch, given: Failure): void {
    const split = batch.publishers.length > 1 && CODES[given.code].retry === 'never';
    for (const publisher of batch.publishers) {
      if (!split) this.answered(nowMs, publisher, { status: 'failed', failure: given });
      else if (this.isHeld(publisher)) {
        delete publisher.sent;
        publisher.alone = true;
        this.enqueue(publisher);
      }
    }
  }

  /** A notice that `held` stands above what was acknowledged. One about a stamp already exceeded says nothing new. */
  stale(nowMs: number, registerId: string, held: Stamp): void {
    const publisher = this.byRegisterId.get(registerId);
    if (!publisher || !canExceed(held) || compareStamps(held, publisher.stamp) < 0) return;
    if (!publisher.live && isForeign(publisher, held)) return;
    this.contest(nowMs, publisher, held);
  }

  settleAll(given: Failure): void {
    for (const publisher of this.publishers.values()) this.settle(publisher, Infinity, { ok: false, failure: given });
  }

  private answered(nowMs: number, publisher: Publisher, result: ClientResult): void {
    const sent = publisher.sent;
    if (!sent || !this.isHeld(publisher)) return;
    delete publisher.sent;
    if (result.status !== 'failed') {
      publisher.retries = 0;
      publisher.alone = false;
      if (sent.live) publisher.acknowledged = { change: sent.change, data: sent.data };
      publisher.replay = 'done';
      const { status, traceId } = result as { status: string; traceId?: unknown };
      if (publisher.traced === sent.change) publisher.traced = undefined;
      this.done(publisher, sent.change, {
        ...{ ok: true, stored: status === 'stored' },
        ...(typeof traceId === 'string' ? { traceId } : {}),
      });
      return;
    }
    const held = result.failure.code === 'STALE_REGISTRATION' ? heldStamp(result.failure) : undefined;
    if (held) this.answeredStale(nowMs, publisher, sent, held, result.failure);
    else if (!sent.live && result.failure.code === 'NOT_REGISTERED')
      this.done(publisher, sent.change, { ok: true, stored: true });
    else if (TAKE_REPLAYS.has(result.failure.code) && this.mustReplay(publisher)) {
      publisher.replay = 'due';
      this.enqueue(publisher);
    } else if (CODES[result.failure.code].retry === 'never') this.refused(publisher, sent, result.failure);
    else {
      publisher.retries++;
      const afterMs = Math.min(result.failure.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
      publisher.notBeforeMs = nowMs + Math.max(afterMs, this.backoff(publisher.retries));
      this.enqueue(publisher);
    }
  }

  private mustReplay({ live, acknowledged, replay }: Publisher): boolean {
    return live && acknowledged !== undefined && replay === 'possible';
  }

  private answeredStale(
    nowMs: number,
    publisher: Publisher,
    sent: NonNullable<Publisher['sent']>,
    held: Stamp,
    given: Failure,
  ): void {
    if (!publisher.live && isForeign(publisher, held)) return this.remove(publisher, { ok: true, stored: true });
    this.contest(nowMs, publisher, held);
    if (publisher.staleStreak <= STALE_ATTEMPTS) return;
    this.settle(publisher, sent.change, { ok: false, failure: given });
    if (publisher.acknowledged === undefined && publisher.calls.length === 0) this.forget(publisher);
  }

  /** Goes above the stamp held: at once the first times, ever more slowly while two publishers quarrel over one id. */
  private contest(nowMs: number, publisher: Publisher, held: Stamp): void {
    if (nowMs - publisher.staleAtMs > STALE_STREAK_MS) publisher.staleStreak = 0;
    publisher.staleAtMs = nowMs;
    // What was acknowledged over this connection does not hold any more.
    if (publisher.replay === 'done') publisher.replay = 'possible';
    publisher.staleStreak++;
    if (compareStamps(held, publisher.stamp) > 0) publisher.stamp = [held[0], held[1], publisher.stamp[2]];
    if (publisher.staleStreak > 2) publisher.notBeforeMs = nowMs + this.backoff(publisher.staleStreak - 2);
    if (publisher.sent) publisher.resend = true;
    else this.enqueue(publisher);
  }

  /** Refused for good. The servers still hold what was acknowledged before, and a replay must not lose it. */
  private refused(publisher: Publisher, sent: NonNullable<Publisher['sent']>, given: Failure): void {
    const { registerId, dataInfoId } = publisher;
    this.emit(logged('warn', 'publication-refused', { registerId, dataInfoId, code: given.code }));
    this.settle(publisher, sent.change, { ok: false, failure: given });
    if (publisher.change > sent.change) return this.enqueue(publisher);
    if (!sent.live || publisher.acknowledged === undefined) return this.forget(publisher);
    publisher.data = publisher.acknowledged.data;
    publisher.bytes = bytesOf(publisher.data, publisher.registration.attributes);
  }

  private done(publisher: Publisher, change: number, outcome: Settled & { ok: true }): void {
    this.settle(publisher, change, outcome);
    if (publisher.change > change || publisher.resend) this.enqueue(publisher);
    else if (!publisher.live) this.forget(publisher);
  }

  /**
   * A registration under the registerId of one whose unpublish is still on its way takes its place above its stamp, so
   * that the removal cannot come afterwards and take the new one.
   */
  private supersede(old: Publisher, next: Publisher): boolean {
    if (old.live || old.dataInfoId !== next.dataInfoId) return false;
    if (old.stamp[0] >= next.stamp[0]) next.stamp = [old.stamp[0], old.stamp[1], next.stamp[2]];
    this.remove(old, { ok: true, stored: false });
    return true;
  }

  private enqueue(publisher: Publisher): void {
    if (publisher.sent || this.waiting.has(publisher) || (this.draining && publisher.live)) return;
    if (publisher.notBeforeMs > 0) this.retries.add(publisher, publisher.notBeforeMs);
    else this.waiting.add(publisher);
  }

  private backoff(attempt: number): number {
    return backoffMs(attempt, this.limits.reconnectMinMs, this.limits.reconnectMaxMs, this.random);
  }

  private isHeld(publisher: Publisher): boolean {
    return this.publishers.get(publisher.number) === publisher;
  }

  private remove(publisher: Publisher, outcome: { ok: true; stored: boolean }): void {
    this.settle(publisher, Infinity, outcome);
    this.forget(publisher);
  }

  private forget(publisher: Publisher): void {
    this.publishers.delete(publisher.number);
    if (this.byRegisterId.get(publisher.registerId) === publisher) this.byRegisterId.delete(publisher.registerId);
    this.waiting.delete(publisher);
    this.retries.delete(publisher);
  }

  private track(publisher: Publisher, call: number): void {
    publisher.calls.push({ call, change: publisher.change });
    this.pendingCalls++;
  }

  private settle(publisher: Publisher, change: number, outcome: Settled): void {
    if (publisher.calls.length === 0) return;
    const settled = publisher.calls.filter((pending) => pending.change <= change);
    publisher.calls = publisher.calls.filter((pending) => pending.change > change);
    this.pendingCalls -= settled.length;
    for (const { call } of settled) this.emit({ type: 'settled', call, outcome });
  }

  private isFull(call: number): boolean {
    if (this.pendingCalls < this.limits.pendingCalls) return false;
    this.refuse(call, failure('OVERLOADED', `${this.pendingCalls} calls are waiting for their answer already.`));
    return true;
  }

  private refuse(call: number, given: Failure): void {
    this.emit({ type: 'settled', call, outcome: { ok: false, failure: given } });
  }
}

/**
 * True when another publisher has taken the registerId since. What it published is not ours to remove, so an unpublish
 * never goes above such a stamp.
 */
function isForeign(publisher: Publisher, held: Stamp): boolean {
  return held[2] !== publisher.stamp[2];
}

function withoutUndefined(registration: Registration): Registration {
  return Object.fromEntries(
    Object.entries(registration).filter(([, value]) => value !== undefined),
  ) as unknown as Registration;
}
