import type { PushWindow } from '#model';
import { PushLoad } from './push-load.js';
import type { Timer, Timers } from './timers.js';

/** What all the subscribers of one view have in common: when the next change of it may go out. */
export class Lane<R> {
  /** Before it, changes are merged. */
  opensAtMs = -Infinity;
  /** Set while something waits for that moment. */
  timer: Timer | undefined;

  constructor(readonly recipients: ReadonlySet<R>) {}
}

/** What all the subscriptions of one connection have in common. */
export class Peer {
  isBackedUp = false;
  /** Pushes in a row that were not acknowledged in time. */
  failures = 0;
  /** Not before this is a push repeated that was not acknowledged. */
  retryAtMs = -Infinity;
  /** What was sent before this may have been acknowledged by words that are still on their way. */
  recoveredAtMs = -Infinity;
}

/** One subscription, as far as pushes to it are planned. */
export interface Recipient<R> {
  readonly lane: Lane<R>;
  readonly peer: Peer;
  /** True when it acknowledges pushes, as it has said or done: from then on one at a time. */
  acks: boolean;
  /** When the push went out that is not acknowledged. */
  unackedSinceMs: number | undefined;
}

/** What the planner asks of those who know contents. */
export interface PushSource<R> {
  /** Whether there is something to tell it that may be told. */
  isAhead(recipient: R): boolean;
  /** Sends its newest state; answers the work in milliseconds, 0 when nothing with content was sent. */
  push(recipient: R): number;
  /** The push before was not acknowledged, so what it holds is not known: the next one is the whole. */
  forget(recipient: R): void;
}

export interface PlannerLimits {
  /** The longest time for which changes of a view are merged. */
  mergeMostMs: number;
  /** A push that is not acknowledged for this long is repeated; after failures, less and less often. */
  ackWithinMs: number;
  retryMostMs: number;
  /** After so many failures in a row nothing but repetitions is sent over a connection. */
  failuresMost: number;
  /** How often, and how many recipients at a time, the scan looks at; and how soon it may begin anew. */
  scanEveryMs: number;
  scanShare: number;
  scanRestMs: number;
}

/** A shorter window is none: a timer would take longer. */
const LEAST_WINDOW_MS = 1;

/**
 * When pushes go out. What is in them is decided when they do, so nothing is ever queued here.
 *
 * - **A change of a view that was quiet goes out at once.** Then its lane closes for as long as the load says, and what
 *   changes meanwhile goes out together when it opens. The load holds the work of that very push, so that a view with
 *   many subscribers has a longer window than one with few, and that of all other views.
 * - **Of each recipient at most one push is not acknowledged.** What is newer goes out with its acknowledgement, or when
 *   the lane opens.
 * - **A push that is not acknowledged in time is repeated**, as the whole of the newest state, since it is not known what
 *   became of it. That is a failure of the connection: the next repetition over it, of whatever subscription, waits twice
 *   as long, and after some in a row nothing else is sent over it (the circuit is open) until it acknowledges something.
 * - **A scan goes round all recipients**, a share at a time. It finds what was not acknowledged in time, without a timer
 *   for every push, and whoever lacks something that nothing else will bring.
 */
export class PushPlanner<R extends Recipient<R>> {
  /** Recipients that the scan found to lack something; after a circuit was open, or because something went wrong here. */
  repaired = 0;
  /** Pushes that were repeated. */
  repeated = 0;
  private readonly load: PushLoad;
  private leastMs = 0;
  private mostMs: number;
  private readonly recipients = new Set<R>();
  private isScanning = false;
  /** Where the pass under way has got to. */
  private pass: Iterator<R> | undefined;
  private passBeganAtMs = -Infinity;

  constructor(
    private readonly clock: { readonly nowMs: number; readonly readUntilMs: number; readonly timers: Timers },
    private readonly limits: PlannerLimits,
    private readonly source: PushSource<R>,
  ) {
    this.mostMs = limits.mergeMostMs;
    this.load = new PushLoad(limits.mergeMostMs);
  }

  /** How long the window of a view is that has just been pushed to hardly anybody. */
  get loadMs(): number {
    return this.load.at(this.clock.nowMs);
  }

  /** Between which bounds windows are from now on; its own limits where they are left out. */
  bound({ minMs = 0, maxMs = Math.max(minMs, this.limits.mergeMostMs) }: PushWindow): void {
    this.leastMs = minMs;
    this.mostMs = this.load.mostMs = maxMs;
  }

  /** What it is first told waits for no lane. */
  joined(recipient: R): void {
    this.recipients.add(recipient);
    if (!this.isScanning) this.scanLater();
    this.offer(recipient);
  }

  left(recipient: R): void {
    this.recipients.delete(recipient);
  }

  /** There may be something to tell the recipients of the lane. */
  changed(lane: Lane<R>): void {
    if (this.isOpen(lane)) this.sendAll(lane);
    else this.sendLater(lane);
  }

  /** There may be something to tell this one alone. */
  offer(recipient: R): void {
    if (!this.mayPush(recipient) || !this.source.isAhead(recipient)) return;
    this.load.add(this.clock.nowMs, this.push(recipient));
  }

  acknowledged(recipient: R): void {
    const { peer } = recipient;
    recipient.unackedSinceMs = undefined;
    if (peer.failures > 0) {
      peer.failures = 0;
      peer.recoveredAtMs = this.clock.nowMs;
    }
    this.catchUp(recipient);
  }

  /** The connection has taken everything, and these are all its subscriptions. */
  drained(recipients: Iterable<R>): void {
    for (const recipient of recipients) this.catchUp(recipient);
  }

  /** True while nothing but repetitions is sent over the connection. */
  isBroken({ failures }: Peer): boolean {
    return failures >= this.limits.failuresMost;
  }

  /** What is new while the lane is closed waits for the others. */
  private catchUp(recipient: R): void {
    if (this.isOpen(recipient.lane)) this.offer(recipient);
    else if (this.source.isAhead(recipient)) this.sendLater(recipient.lane);
  }

  private isOpen(lane: Lane<R>): boolean {
    return this.clock.nowMs >= lane.opensAtMs;
  }

  private sendAll(lane: Lane<R>): void {
    const { nowMs } = this.clock;
    let workMs = 0;
    for (const recipient of lane.recipients)
      if (this.mayPush(recipient) && this.source.isAhead(recipient)) workMs += this.push(recipient);
    if (workMs === 0) return;
    const windowMs = Math.min(Math.max(this.load.add(nowMs, workMs), this.leastMs), this.mostMs);
    if (windowMs >= LEAST_WINDOW_MS) lane.opensAtMs = nowMs + windowMs;
  }

  private sendLater(lane: Lane<R>): void {
    lane.timer ??= this.clock.timers.at(lane.opensAtMs, () => {
      lane.timer = undefined;
      this.sendAll(lane);
    });
  }

  private push(recipient: R): number {
    const workMs = this.source.push(recipient);
    if (workMs > 0 && recipient.acks) recipient.unackedSinceMs = this.clock.nowMs;
    return workMs;
  }

  private mayPush({ acks, unackedSinceMs, peer }: R): boolean {
    return !(acks && unackedSinceMs !== undefined) && !peer.isBackedUp && !this.isBroken(peer);
  }

  private scanLater(): void {
    this.isScanning = this.recipients.size > 0;
    if (this.isScanning) this.clock.timers.at(this.clock.nowMs + this.limits.scanEveryMs, () => this.scan());
  }

  private scan(): void {
    const { nowMs } = this.clock;
    if (!this.pass && nowMs - this.passBeganAtMs >= this.limits.scanRestMs) {
      this.pass = this.recipients.values();
      this.passBeganAtMs = nowMs;
    }
    for (let looked = 0; this.pass && looked < this.limits.scanShare; looked++) {
      const next = this.pass.next();
      if (next.done) this.pass = undefined;
      else this.look(next.value);
    }
    this.scanLater();
  }

  private look(recipient: R): void {
    const { acks, unackedSinceMs, lane } = recipient;
    if (acks && unackedSinceMs !== undefined) return this.lookForAck(recipient, unackedSinceMs);
    if (lane.timer || !this.mayPush(recipient) || !this.source.isAhead(recipient)) return;
    if (!this.isOpen(lane)) return this.sendLater(lane);
    const workMs = this.push(recipient);
    if (workMs > 0) this.repaired++;
    this.load.add(this.clock.nowMs, workMs);
  }

  private lookForAck(recipient: R, sinceMs: number): void {
    const { peer } = recipient;
    const { nowMs, readUntilMs } = this.clock;
    const { ackWithinMs, retryMostMs } = this.limits;
    // It may have come, and wait here to be read.
    const waitedMs = readUntilMs - Math.max(sinceMs, peer.recoveredAtMs);
    // What waits for the reader of a connection is not lost, and more of it would not help.
    if (waitedMs < ackWithinMs || nowMs < peer.retryAtMs || peer.isBackedUp) return;
    peer.failures++;
    peer.retryAtMs = nowMs + Math.min(ackWithinMs * 2 ** peer.failures, retryMostMs);
    this.repeated++;
    this.source.forget(recipient);
    this.load.add(nowMs, this.push(recipient));
  }
}
