import type { PushStop } from '#model';
import type { SessionContext } from './context.js';
import { RELEASE_EVERY_MS, RELEASE_PUSHES } from './limits.js';
import { type HoldsBack, holdsBack } from './push-stop.js';
import type { Subscription } from './subscription.js';

/**
 * The subscribers for whom something waits because pushes to them are stopped. Only who they are is kept: what they get
 * when it ends is the newest state of their view, made then and shared like any other. They get it a share at a time, so
 * that the end of a long stop costs no more at once than one change with many subscribers.
 */
export class HeldPushes {
  private holdsBack: HoldsBack | undefined;
  private readonly held = new Set<Subscription>();
  /** Where the release under way has got to. Those held anew meanwhile come at the end, and are passed over. */
  private releasing: Iterator<Subscription> | undefined;

  constructor(
    private readonly context: SessionContext,
    private readonly addressOf: (subscription: Subscription) => string,
    private readonly offer: (subscription: Subscription) => void,
  ) {}

  get size(): number {
    return this.held.size;
  }

  /** True when pushes to the subscriber are stopped; it is then remembered until they are not. */
  take(subscription: Subscription): boolean {
    if (!this.isStopped(subscription)) return false;
    this.held.add(subscription);
    return true;
  }

  drop(subscription: Subscription): void {
    this.held.delete(subscription);
  }

  switched(stop: PushStop): void {
    this.holdsBack = holdsBack(stop);
    const isUnderWay = this.releasing !== undefined;
    this.releasing = this.held.values();
    if (!isUnderWay) this.release();
  }

  isStopped(subscription: Subscription): boolean {
    const { zone } = subscription;
    return this.holdsBack?.({ zone, address: this.addressOf(subscription) }) ?? false;
  }

  private release(): void {
    for (let pushes = 0; pushes < RELEASE_PUSHES;) {
      const next = this.releasing!.next();
      if (next.done) {
        this.releasing = undefined;
        return;
      }
      if (this.isStopped(next.value)) continue;
      this.held.delete(next.value);
      this.offer(next.value);
      pushes++;
    }
    this.context.timers.at(this.context.nowMs + RELEASE_EVERY_MS, () => this.release());
  }
}
