import { type Failure, type Publication, compareVersions, failure, parseVersion } from '#model';
import type { SessionContext } from './context.js';
import type { ConnectionId, PushFrame, SessionCounts } from './contract.js';
import { HeldPushes } from './held-pushes.js';
import { BOUNDS, COPY_WORK_MS, ENCODE_WORK_MS, PUSH_WORK_MS } from './limits.js';
import { type Peer, PushPlanner } from './push-planner.js';
import type { Propagation } from './propagation.js';
import type { Subscription } from './subscription.js';
import type { WaitsFor } from './traces/report.js';
import type { Traces } from './traces/traces.js';
import type { View } from './view.js';

type PushCounts = Pick<
  SessionCounts,
  'held' | 'pushes' | 'refusedDeltas' | 'repeatedPushes' | 'repairedSubscribers' | 'pushLoadMs' | 'temporaryDropped'
>;

/**
 * What goes out to subscribers, and what comes back. When it goes out is the planner's to say; what each is sent is made from
 * its view then, so that nothing is queued for anybody.
 */
export class Pushes {
  private readonly planner: PushPlanner<Subscription>;
  private readonly held: HeldPushes;
  private readonly sent = { snapshot: 0, delta: 0, partial: 0, unchanged: 0, pending: 0 };
  private refused = 0;
  private temporaryDropped = 0;

  constructor(
    private readonly context: SessionContext,
    private readonly propagation: Propagation,
    private readonly traces: Traces,
    /** Where the client of a connection connects from. */
    addressOf: (connection: ConnectionId) => string,
  ) {
    this.planner = new PushPlanner<Subscription>(context, context.limits, {
      isAhead: (subscription) => subscription.view.isAheadOf(subscription) && !this.holdsBack(subscription),
      push: (subscription) => this.push(subscription),
      forget: (subscription) => forget(subscription),
    });
    this.held = new HeldPushes(
      context,
      ({ connection }) => addressOf(connection),
      (subscription) => this.planner.offer(subscription),
    );
    this.switched();
  }

  get counts(): PushCounts {
    const { repeated: repeatedPushes, repaired: repairedSubscribers, loadMs: pushLoadMs } = this.planner;
    const { sent: pushes, refused: refusedDeltas, temporaryDropped } = this;
    const held = this.held.size;
    return { held, pushes, refusedDeltas, repeatedPushes, repairedSubscribers, pushLoadMs, temporaryDropped };
  }

  switched(): void {
    const { stopPush, pushWindow } = this.context.switches;
    this.planner.bound(pushWindow);
    this.held.switched(stopPush);
  }

  joined(subscription: Subscription): void {
    this.planner.joined(subscription);
  }

  left(subscription: Subscription): void {
    this.planner.left(subscription);
    this.traces.left(subscription);
    this.held.drop(subscription);
  }

  /** The view took a message. */
  changed(view: View, isTouched: boolean, becameComplete: boolean): void {
    if (isTouched || becameComplete) this.planner.changed(view.lane);
    else for (const subscription of view.waiting) this.planner.offer(subscription);
  }

  /** To be told once, with the next push. Stopped pushes lose it. */
  tell(view: View, publication: Publication): void {
    const alone = [publication];
    for (const subscription of view.subscriptions) {
      if (this.held.isStopped(subscription)) continue;
      const { temporary } = subscription;
      if (temporary.length >= BOUNDS.temporaryPerSubscription) this.temporaryDropped++;
      subscription.temporary =
        temporary.length === 0 ? alone : [...temporary, publication].slice(-BOUNDS.temporaryPerSubscription);
    }
    this.planner.changed(view.lane);
  }

  ack(subscription: Subscription, text: string, refused: boolean): Failure | undefined {
    const version = parseVersion(text);
    if (!version)
      return failure('BAD_REQUEST', 'version is not one that was pushed.', { details: { field: 'version' } });
    const { lastVersion } = subscription;
    // Later words about earlier pushes tell nothing of what is held now.
    const isCurrent = lastVersion === undefined || compareVersions(version, lastVersion) >= 0;
    if (!subscription.acks && !isCurrent) subscription.unackedSinceMs = this.context.nowMs;
    subscription.acks = true;
    if (!isCurrent) return undefined;
    if (refused) this.refuse(subscription, text);
    else {
      this.propagation.noteAcknowledged(subscription);
      this.traces.acknowledged(subscription);
      if (subscription.lastIsDelta) subscription.refusals = 0;
    }
    this.planner.acknowledged(subscription);
    return undefined;
  }

  /** `subscriptions` are all those of the connection. */
  backedUp(peer: Peer, subscriptions: Iterable<Subscription>, isBackedUp: boolean): void {
    peer.isBackedUp = isBackedUp;
    if (!isBackedUp) this.planner.drained(subscriptions);
  }

  sayPending(subscription: Subscription): void {
    const { view, last, wholeOnly, base } = subscription;
    if (last !== 'none' || !view.subscriptions.has(subscription) || (wholeOnly && base)) return;
    this.send(subscription, { type: 'pending', dataInfoId: view.datum.dataInfoId });
  }

  isBroken(peer: Peer): boolean {
    return this.planner.isBroken(peer);
  }

  /** For people: why it has not been sent what is new. */
  waitsFor(subscription: Subscription): WaitsFor {
    const { peer, acks, unackedSinceMs, lane, view } = subscription;
    if (this.held.isStopped(subscription)) return 'push-stop';
    if (this.planner.isBroken(peer)) return 'circuit-open';
    if (peer.isBackedUp) return 'slow-reader';
    if (acks && unackedSinceMs !== undefined) return 'earlier-push';
    if (this.context.nowMs < lane.opensAtMs) return 'merge-window';
    return view.datum.state === 'complete' ? 'push' : 'complete-answer';
  }

  /** Of whom pushes are stopped something waits until they go on; who has been sent nothing yet is told so. */
  private holdsBack(subscription: Subscription): boolean {
    if (!this.held.take(subscription)) return false;
    this.sayPending(subscription);
    return true;
  }

  private push(subscription: Subscription): number {
    const { view } = subscription;
    const frame = view.frameFor(subscription, this.context.clusterId);
    if (!frame) return 0;
    if ('publications' in frame) {
      this.propagation.notePushed(subscription);
      this.traces.pushed(subscription);
    }
    this.send(subscription, frame);
    // What brings nothing is not waited for.
    if (!('publications' in frame)) return 0;
    if (frame.temporary) subscription.temporary = [];
    return PUSH_WORK_MS + frame.publications.length * COPY_WORK_MS + view.takeMade() * ENCODE_WORK_MS;
  }

  private send(subscription: Subscription, frame: PushFrame): void {
    const { connection, subscriptionId, view } = subscription;
    this.context.emit({ type: 'push', connection, subscriptionId, frame });
    view.sent(subscription, frame);
    this.sent[frame.type]++;
  }

  /** What the client holds is not what it was taken to hold, so it gets the whole. */
  private refuse(subscription: Subscription, version: string): void {
    const { connection, view } = subscription;
    this.refused++;
    forget(subscription);
    if (++subscription.refusals >= BOUNDS.deltaRefusals) subscription.takesDeltas = false;
    this.context.log('warn', 'delta-refused', { connection, dataInfoId: view.datum.dataInfoId, version });
  }
}

/** It is not known what the client holds. */
function forget(subscription: Subscription): void {
  subscription.isExact = false;
  subscription.serial = -1;
}
