import type { Failure, Notice, Random } from '#model';
import { ConfigWatchBook } from './config-watches.js';
import type { ClientEffect, ClientEvent, ClientLimits } from './contract.js';
import type { Keeper } from './keeper.js';
import { SubscriptionBook } from './subscriptions.js';

/** All that the client is told over streams: subscriptions, and configuration values. */
export class Streams {
  readonly subscriptions: SubscriptionBook;
  readonly watches: ConfigWatchBook;

  constructor(
    defaults: { zone?: string; deltas: boolean },
    limits: ClientLimits,
    random: Random,
    emit: (effect: ClientEffect) => void,
    keeper?: Keeper,
  ) {
    this.subscriptions = new SubscriptionBook(defaults, limits, random, emit, keeper);
    this.watches = new ConfigWatchBook(limits, random, emit);
  }

  get nextRetryMs(): number {
    return Math.min(this.subscriptions.nextRetryMs, this.watches.nextRetryMs);
  }

  begin(event: ClientEvent & { type: 'subscribe' | 'watch' }): void {
    if (event.type === 'subscribe') this.subscriptions.subscribe(event);
    else this.watches.watch(event);
  }

  /** The stream to end on the server, if one is open. */
  end(event: ClientEvent & { type: 'unsubscribe' | 'unwatch' }): string | undefined {
    return event.type === 'unsubscribe'
      ? this.subscriptions.unsubscribe(event.subscriber)
      : this.watches.unwatch(event.watcher);
  }

  connected(connection: number, clusterId: string): void {
    this.subscriptions.connected(connection, clusterId);
    this.watches.connected(connection, clusterId);
  }

  /** What the server has told of itself, and of where the client is. */
  welcomed(welcome: Notice & { type: 'welcome' }): void {
    this.subscriptions.welcomed(welcome);
    this.watches.welcomed(welcome.clusterId);
  }

  disconnected(): void {
    this.subscriptions.disconnected();
    this.watches.disconnected();
  }

  wake(nowMs: number): void {
    this.subscriptions.wake(nowMs);
    this.watches.wake(nowMs);
  }

  /** No two streams of a connection have one id, whatever they are of. */
  pushFailed(nowMs: number, subscriptionId: string, given: Failure): void {
    this.subscriptions.pushFailed(nowMs, subscriptionId, given);
    this.watches.pushFailed(nowMs, subscriptionId, given);
  }
}
