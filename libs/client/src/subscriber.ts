import type { PublisherView } from '#model';
import type { ListChanges, SubscriberSnapshot } from '#registry';
import { Observed, type ObservedEvents } from './observed.js';

export type SubscriberEvents = ObservedEvents<SubscriberSnapshot> & {
  /**
   * What has led from the list told before to the one that `current()` is now. Told with each `change`, just before it, and without
   * the cost of a list for each, however long it is.
   */
  changes: [changes: ListChanges];
  /** Temporary publications, which are told once and are no part of the list; and what is published beside them. */
  temporary: [publishers: PublisherView[], snapshot: SubscriberSnapshot];
};

/**
 * A standing view of who publishes. While its `state` is `pending`, what is missing from the list proves nothing. Its list
 * outlives lost connections and dead servers.
 */
export class Subscriber extends Observed<SubscriberSnapshot, SubscriberEvents> {
  protected isTelling({ state, publishers }: SubscriberSnapshot): boolean {
    return state === 'current' || publishers.length > 0;
  }

  /** @internal called by the client */
  changedBy(changes: ListChanges): void {
    if (this.closed) return;
    this.emitter.emit('changes', changes);
    this.changed();
  }

  /** @internal called by the client */
  told(publishers: PublisherView[], snapshot: SubscriberSnapshot): void {
    if (!this.closed) this.emitter.emit('temporary', publishers, snapshot);
  }
}
