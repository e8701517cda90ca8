import { type Failure, type PublisherView, RegistryError } from '#model';
import type { SubscriberSnapshot } from '#registry';
import { Emitter } from './emitter.js';
import { LatestIterator } from './latest-iterator.js';

export type SubscriberEvents = {
  /** The list, or whether it is complete, has changed. */
  change: [snapshot: SubscriberSnapshot];
  /** Temporary publications, which are told once and are no part of the list; and what is published beside them. */
  temporary: [publishers: PublisherView[], snapshot: SubscriberSnapshot];
  /** The server refuses the subscription. It is tried again over the next connection. */
  error: [error: RegistryError];
};

/** What the subscriber needs of its client. */
export interface SubscriberHost {
  /** What is held now; undefined once unsubscribed. */
  snapshot(): SubscriberSnapshot | undefined;
  unsubscribe(): void;
  report(error: unknown): void;
}

/** A standing view of who publishes. Its list outlives lost connections and dead servers. */
export class Subscriber implements AsyncIterable<SubscriberSnapshot> {
  private readonly emitter: Emitter<SubscriberEvents>;
  private readonly iterators = new Set<LatestIterator<SubscriberSnapshot>>();
  private readonly waiting = new Set<{
    resolve(snapshot: SubscriberSnapshot): void;
    reject(error: RegistryError): void;
  }>();
  private last: SubscriberSnapshot;
  private refusal: RegistryError | undefined;
  private closed = false;

  constructor(
    private readonly host: SubscriberHost,
    initial: SubscriberSnapshot,
  ) {
    this.last = initial;
    this.emitter = new Emitter((error) => host.report(error));
  }

  /** What is known now. While `state` is `pending`, what is missing from the list proves nothing. */
  current(): SubscriberSnapshot {
    return (this.last = this.host.snapshot() ?? this.last);
  }

  on<Name extends keyof SubscriberEvents>(name: Name, listener: (...args: SubscriberEvents[Name]) => unknown): this {
    this.emitter.on(name, listener);
    return this;
  }

  off<Name extends keyof SubscriberEvents>(name: Name, listener: (...args: SubscriberEvents[Name]) => unknown): this {
    this.emitter.off(name, listener);
    return this;
  }

  /** The first complete answer, at once if it has come. Rejects when the server refuses or the subscriber closes. */
  ready(): Promise<SubscriberSnapshot> {
    const snapshot = this.current();
    if (snapshot.state === 'current') return Promise.resolve(snapshot);
    if (this.closed) return Promise.reject(closedError());
    if (this.refusal) return Promise.reject(this.refusal);
    return new Promise((resolve, reject) => this.waiting.add({ resolve, reject }));
  }

  /** Every state from now on, beginning with what is known; a slow consumer gets the newest and skips the rest. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SubscriberSnapshot, undefined> {
    const iterator = new LatestIterator<SubscriberSnapshot>((ended) => this.iterators.delete(ended));
    const snapshot = this.current();
    if (snapshot.state === 'current' || snapshot.publishers.length > 0) iterator.offer(snapshot);
    if (this.closed) iterator.end();
    else this.iterators.add(iterator);
    return iterator;
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.current();
      this.host.unsubscribe();
      this.end();
    }
    return Promise.resolve();
  }

  /** @internal called by the client */
  changed(snapshot: SubscriberSnapshot): void {
    if (this.closed) return;
    this.refusal = undefined;
    this.last = snapshot;
    if (snapshot.state === 'current') {
      for (const { resolve } of this.waiting) resolve(snapshot);
      this.waiting.clear();
    }
    for (const iterator of this.iterators) iterator.offer(snapshot);
    this.emitter.emit('change', snapshot);
  }

  /** @internal called by the client */
  told(publishers: PublisherView[], snapshot: SubscriberSnapshot): void {
    if (!this.closed) this.emitter.emit('temporary', publishers, snapshot);
  }

  /** @internal called by the client */
  failed(given: Failure): void {
    if (this.closed) return;
    const error = RegistryError.from(given);
    this.refusal = error;
    this.rejectWaiting(error);
    this.emitter.emit('error', error);
  }

  /** @internal called by the client, which has closed */
  end(): void {
    this.closed = true;
    this.rejectWaiting(closedError());
    for (const iterator of this.iterators) iterator.end();
  }

  private rejectWaiting(error: RegistryError): void {
    for (const { reject } of this.waiting) reject(error);
    this.waiting.clear();
  }
}

function closedError(): RegistryError {
  return new RegistryError('SHUTTING_DOWN', 'The subscriber is closed.');
}
