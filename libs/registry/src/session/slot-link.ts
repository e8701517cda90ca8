import {
  type DataToSession,
  type LinkId,
  type Operation,
  type OperationResult,
  type SessionToData,
  type Stamp,
} from '#model';
import type { SessionContext } from './context.js';
import type { Entry, Holdings } from './holdings.js';
import { BOUNDS } from './limits.js';
import { type Waiter, askedFor } from './requests.js';
import type { SlotLinkOwner } from './slot-link-owner.js';
import { chunks } from './chunks.js';
import { operationOf, toOperation } from './operation.js';

/** An operation on its way to a leader. */
export interface Sent {
  operation: Operation;
  /** Undefined for what a leader is told again. */
  acceptedAtMs?: number | undefined;
  traceId?: string | undefined;
  waiters: readonly Waiter[];
  /** What one of many brings who come back: it need not be told before what they ask for. */
  canWait?: boolean;
  /** True for another try with a stamp raised here. */
  isRestamped?: boolean;
  /** For what the leader stamps: told the result. Only what was certainly not taken may be sent again, by whoever sent it. */
  leased?: (result: OperationResult | 'notTaken' | 'unknown') => void;
}

/** What was sent to the leader before this one, and may still be answered. */
interface Former {
  link: LinkId;
  leaderEpoch: number;
  sent: Sent[];
}

/** A question with a requestId. */
export interface Ask {
  message: Extract<SessionToData, { requestId: number }>;
  answered(message: DataToSession): void;
  /** The link or the leader is lost: no answer will come. */
  voided(): void;
}

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;

/**
 * The way to the leader of one slot, at one leaderEpoch, over one link. Whenever any of these changes, it begins anew
 * with a digest, which tells the whole truth about what we hold; links keep order, so operations may follow at once.
 * Results of what was under way are unknown then; the digest's answer proves what the leader has.
 */
export class SlotLink {
  leader: string | null = null;
  leaderEpoch = 0;
  phase: 'closed' | 'digesting' | 'reconciling' | 'reconciled' = 'closed';
  link: LinkId | undefined;
  /** A link over which it is to begin in its turn. */
  private awaited: LinkId | undefined;
  /** Until when a leader that answered `moved` is left alone. */
  refusedUntilMs: number | undefined;
  /** Since when the leader owes us an answer; undefined when it owes none, or when there is no leader. */
  owedSinceMs: number | undefined;
  inFlightCount = 0;
  /** Entries with waiters whose result the next answer to a digest settles. */
  readonly unproven = new Set<Entry>();

  /** Until the first digest over this link has brought what the leader lacked on its way. */
  private isResending = false;
  private digestNumber = 0;
  private summaryNumber = 0;
  private retryMs = RETRY_MIN_MS;
  private outbox: Sent[] = [];
  private readonly inFlight = new Map<number, Sent[]>();
  private former: Former | undefined;
  /** Another leader, or the way to it, is about to be there. */
  private isChanging = false;
  /** The leader has answered over this link, so it does lead. One that is behind our table would say `moved` at first. */
  private hasAnswered = false;
  private waiting: (() => void)[] = [];
  private readonly asks = new Map<number, Ask>();

  constructor(
    readonly slot: number,
    private readonly context: SessionContext,
    private readonly holdings: Holdings,
    private readonly owner: SlotLinkOwner,
  ) {}

  get isOpen(): boolean {
    return this.link !== undefined;
  }

  /** Whether there is a leader to be talked to, now or in a moment. */
  get isNear(): boolean {
    return this.isOpen || this.isChanging;
  }

  /** Takes what a table says. A leaderEpoch once seen is never undercut, since tables come in order of epoch. */
  assign(leader: string | null, leaderEpoch: number): void {
    this.refusedUntilMs = undefined;
    if (leader === this.leader && leaderEpoch === this.leaderEpoch) return;
    this.isChanging = leader !== null;
    this.replaced();
    if (leader === null) this.waiting = [];
    this.leader = leader;
    this.leaderEpoch = leaderEpoch;
    this.retryMs = RETRY_MIN_MS;
    this.owedSinceMs = leader === null ? undefined : this.context.nowMs;
  }

  /** There is a link to the leader, but other slots are first: meanwhile the leader owes nothing. */
  wait(link: LinkId): void {
    this.awaited = link;
    this.isChanging = true;
    this.owedSinceMs = undefined;
  }

  open(link: LinkId): void {
    this.link = link;
    this.awaited = undefined;
    this.refusedUntilMs = undefined;
    this.phase = 'digesting';
    this.isResending = true;
    this.digest();
    this.owner.opened(this);
  }

  /**
   * Runs when it is known that there is a leader to talk to: at once, or soon, where another is on its way. False where
   * there is none to wait for. Whoever waits decides for how long.
   */
  whenLed(run: () => void): boolean {
    if (this.isOpen && this.hasAnswered) run();
    else if (this.isNear && this.waiting.length < BOUNDS.inFlightPerSlot) this.waiting.push(run);
    else return false;
    return true;
  }

  private answered(): void {
    this.hasAnswered = true;
    this.isChanging = false;
    for (const run of this.waiting.splice(0)) run();
  }

  /**
   * Compares in the background, so that what went wrong unseen is repaired in bounded time. A hash will do as long as the two
   * agree; what the leader says of an earlier one is void.
   */
  compare(): void {
    if (this.phase !== 'reconciled') return;
    this.flush();
    const { slot, leaderEpoch } = this;
    const number = ++this.summaryNumber;
    this.say({ kind: 'summary', slot, leaderEpoch, number, hash: this.holdings.hash(slot) });
  }

  private compared({ number, agrees }: Extract<DataToSession, { kind: 'compared' }>): void {
    if (agrees || this.phase !== 'reconciled' || number !== this.summaryNumber) return;
    this.flush();
    this.phase = 'digesting';
    this.digest();
  }

  private digest(): void {
    this.owedSinceMs ??= this.context.nowMs;
    const { entries, removals } = this.holdings.digest(this.slot);
    const { slot, leaderEpoch } = this;
    const number = ++this.digestNumber;
    this.say({ kind: 'digest', slot, leaderEpoch, tableEpoch: this.context.tableEpoch, number, entries, removals });
  }

  /** The link is lost. What was under way over it may have been taken or not. */
  lost(link: LinkId): void {
    if (this.former?.link === link) this.endFormer('unknown');
    if (this.link !== link && this.awaited !== link) return;
    this.isChanging = false;
    this.waiting = [];
    this.owedSinceMs ??= this.context.nowMs;
    this.close('unknown');
  }

  /** A former leader says whom it has seen since. As links keep order, it has not taken what it has not answered. */
  formerMoved(link: LinkId, leaderEpoch: number): void {
    if (this.former?.link === link && leaderEpoch > this.former.leaderEpoch) this.endFormer('notTaken');
  }

  /** Another leads by a newer table. What is under way to this one may still be answered by the word that it moved. */
  private replaced(): void {
    const { link, leaderEpoch } = this;
    this.endFormer('unknown');
    this.awaited = undefined;
    if (link === undefined) return;
    const sent = [...this.inFlight.values()].flat().filter(({ leased }) => leased);
    if (sent.length > 0) this.former = { link, leaderEpoch, sent };
    this.close('pending');
  }

  private endFormer(end: 'notTaken' | 'unknown'): void {
    const { former } = this;
    this.former = undefined;
    for (const { leased } of former?.sent ?? []) leased!(end);
  }

  /** @param leased what is known of leased operations that were sent */
  private close(leased: 'notTaken' | 'unknown' | 'pending'): void {
    this.awaited = undefined;
    if (this.link === undefined) return;
    this.owner.ended(this);
    this.link = undefined;
    [this.phase, this.hasAnswered] = ['closed', false];
    const [sent, unsent] = [[...this.inFlight.values()].flat(), this.outbox];
    const asks = [...this.asks.values()];
    this.inFlight.clear();
    this.inFlightCount = 0;
    this.outbox = [];
    this.asks.clear();
    this.owedSinceMs ??= this.context.nowMs;
    for (const one of [...sent, ...unsent]) if (!one.leased) this.owner.voided(this, one);
    if (leased !== 'pending') for (const one of sent) one.leased?.(leased);
    for (const one of unsent) one.leased?.('notTaken');
    for (const ask of asks) ask.voided();
  }

  /**
   * The peer does not lead the slot at our leaderEpoch. Answers how long to leave it alone.
   * @param seen the highest leaderEpoch that the peer has seen: once it is a higher one, the peer takes nothing at ours
   */
  moved(seen: number): number {
    this.isChanging = true;
    this.close(seen > this.leaderEpoch ? 'notTaken' : 'unknown');
    const delayMs = this.retryMs * (0.5 + this.context.random() / 2);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    this.refusedUntilMs = this.context.nowMs + delayMs;
    // An answer, if not the one we hoped for: the peer is not silent.
    if (this.leader !== null) this.owedSinceMs = this.context.nowMs;
    return delayMs;
  }

  /**
   * Sends at the end of the step, or later if it can wait, together with what else comes up. False while there is no leader
   * to send to.
   */
  enqueue(sent: Sent): boolean {
    if (this.link === undefined) return false;
    if (sent.canWait !== true) this.owner.touched(this);
    else if (this.outbox.length === 0) this.owner.touchedByReturn(this);
    this.outbox.push(sent);
    this.inFlightCount++;
    return true;
  }

  ask(ask: Ask): boolean {
    if (this.link === undefined) return false;
    this.flush();
    this.asks.set(ask.message.requestId, ask);
    this.say(ask.message);
    return true;
  }

  forgetAsk(requestId: number): void {
    this.asks.delete(requestId);
  }

  say(message: SessionToData): void {
    if (this.link !== undefined) this.owner.send(this.link, message);
  }

  flush(): void {
    if (this.outbox.length === 0 || this.link === undefined) return;
    const waiting = this.outbox;
    this.outbox = [];
    for (const chunk of chunks(waiting)) this.sendOperations(chunk);
  }

  receive(message: DataToSession): void {
    switch (message.kind) {
      case 'renewed':
      case 'announced':
      case 'persisted':
        return this.answer(message.requestId, message);
      case 'datum':
        if (message.requestId !== undefined && message.leaderEpoch === this.leaderEpoch)
          this.answer(message.requestId, message);
        return;
      // What carries another leaderEpoch than the highest we know is void (invariant 6).
      case 'applied':
        return message.leaderEpoch === this.leaderEpoch ? this.applied(message) : undefined;
      case 'want':
        return message.leaderEpoch === this.leaderEpoch ? this.wanted(message) : undefined;
      case 'compared':
        return message.leaderEpoch === this.leaderEpoch ? this.compared(message) : undefined;
      case 'reconciled':
        return message.leaderEpoch === this.leaderEpoch ? this.reconciled(message) : undefined;
      default:
        return undefined;
    }
  }

  /** The registerIds of what is sent, or to be sent, and not answered, or not known to have been taken. */
  *underWay(): Generator<string> {
    for (const sent of [this.outbox, ...this.inFlight.values()])
      for (const { operation } of sent)
        yield operation.op === 'publish' ? operation.publication.registerId : operation.registerId;
    for (const { registerId } of this.unproven) yield registerId;
  }

  private answer(requestId: number, message: DataToSession): void {
    const ask = this.asks.get(requestId);
    this.asks.delete(requestId);
    ask?.answered(message);
  }

  private applied(message: Extract<DataToSession, { kind: 'applied' }>): void {
    const sent = this.inFlight.get(message.sequence);
    if (!sent) return;
    this.inFlight.delete(message.sequence);
    this.inFlightCount -= sent.length;
    this.heard();
    sent.forEach((one, index) => {
      const result = message.results[index];
      if (result) this.owner.settled(this, one, result);
      else this.owner.voided(this, one);
    });
  }

  private wanted(message: Extract<DataToSession, { kind: 'want' }>): void {
    if (this.phase !== 'digesting' || message.number !== this.digestNumber) return;
    this.phase = 'reconciling';
    this.heard();
    this.takeOutdated(message.stale);
    const wanted = new Set(message.registerIds);
    const operations: Sent[] = [];
    if (wanted.size > 0)
      for (const entry of this.holdings.ofSlot(this.slot))
        if (wanted.has(entry.registerId))
          operations.push({ operation: toOperation(entry), ...askedFor(entry.waiters), waiters: [] });
    for (const entry of this.unproven) if (!wanted.has(entry.registerId)) this.prove(entry);
    // What does not fit in one message goes ahead as operations; the order of the link does the rest.
    const parts = [...chunks(operations)];
    const last = parts.pop() ?? [];
    this.flush();
    for (const part of parts) {
      this.inFlightCount += part.length;
      this.sendOperations(part);
    }
    const { slot, leaderEpoch, digestNumber: number } = this;
    const accepted = this.owner.accepted(this.link!, last);
    this.say({ kind: 'reconcile', slot, leaderEpoch, number, operations: last.map(operationOf), ...accepted });
    this.answered();
    if (!this.isResending) return;
    this.isResending = false;
    this.owner.resent(this);
  }

  private reconciled(message: Extract<DataToSession, { kind: 'reconciled' }>): void {
    if (this.phase !== 'reconciling' || message.number !== this.digestNumber) return;
    this.phase = 'reconciled';
    this.retryMs = RETRY_MIN_MS;
    this.heard();
    this.takeOutdated(message.stale);
    for (const entry of this.unproven) this.prove(entry);
    this.owner.ended(this);
  }

  private prove(entry: Entry): void {
    this.unproven.delete(entry);
    this.owner.proven(this, entry);
  }

  private takeOutdated(stale: { registerId: string; held: Stamp }[]): void {
    if (stale.length === 0) return;
    const held = new Map(stale.map((one) => [one.registerId, one.held]));
    for (const entry of [...this.holdings.ofSlot(this.slot)]) {
      const newer = held.get(entry.registerId);
      if (newer) this.owner.outdated(this, entry, newer);
    }
  }

  private sendOperations(sent: Sent[]): void {
    const sequence = this.owner.nextSequence(this.link!);
    this.inFlight.set(sequence, sent);
    this.owedSinceMs ??= this.context.nowMs;
    const operations = sent.map(operationOf);
    const { slot, leaderEpoch } = this;
    const said = { slot, leaderEpoch, tableEpoch: this.context.tableEpoch, sequence, operations };
    this.say({ kind: 'operations', ...said, ...this.owner.accepted(this.link!, sent) });
  }

  private heard(): void {
    const isOwed = this.phase !== 'reconciled' || this.inFlight.size > 0;
    this.owedSinceMs = isOwed ? this.context.nowMs : undefined;
  }
}
