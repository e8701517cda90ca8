import { type Failure, RegistryError } from '#model';
import { Emitter } from './emitter.js';
import { LatestIterator } from './latest-iterator.js';

/** What is known of something that servers tell: nothing complete yet, or all there is. */
interface Snapshot {
  state: 'pending' | 'current';
}

/** What everything observed tells of. */
export interface ObservedEvents<S> {
  /** What is known has changed. */
  change: [snapshot: S];
  /** The server refuses to tell. It is asked again over the next connection. */
  error: [error: RegistryError];
}

/** What is needed of the client. */
export interface ObservedHost<S> {
  /** What is held now; undefined once it is closed. */
  snapshot(): S | undefined;
  end(): void;
  report(error: unknown): void;
}

/** Something that servers tell and go on telling. What is known of it outlives lost connections and dead servers. */
export abstract class Observed<
  S extends Snapshot,
  Events extends ObservedEvents<S> & Record<keyof Events, unknown[]>,
> implements AsyncIterable<S> {
  protected readonly emitter: Emitter<Events>;
  private readonly iterators = new Set<LatestIterator<S>>();
  private readonly waiting = new Set<{ resolve(snapshot: S): void; reject(error: RegistryError): void }>();
  private refusal: RegistryError | undefined;
  protected closed = false;

  constructor(
    private readonly host: ObservedHost<S>,
    private last: S,
  ) {
    this.emitter = new Emitter((error) => host.report(error));
  }

  /** Whether the snapshot is worth being iterated from. */
  protected abstract isTelling(snapshot: S): boolean;

  /** What is known now. */
  current(): S {
    return (this.last = this.host.snapshot() ?? this.last);
  }

  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => unknown): this {
    this.emitter.on(name, listener);
    return this;
  }

  off<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => unknown): this {
    this.emitter.off(name, listener);
    return this;
  }

  /** The first complete answer, at once if it has come. Rejects when the server refuses or this is closed. */
  ready(): Promise<S> {
    const snapshot = this.current();
    if (snapshot.state === 'current') return Promise.resolve(snapshot);
    if (this.closed) return Promise.reject(closedError());
    if (this.refusal) return Promise.reject(this.refusal);
    return new Promise((resolve, reject) => this.waiting.add({ resolve, reject }));
  }

  /** Every state from now on, beginning with what is known; a slow consumer gets the newest and skips the rest. */
  [Symbol.asyncIterator](): AsyncIterableIterator<S, undefined> {
    const iterator = new LatestIterator<S>((ended) => this.iterators.delete(ended));
    const snapshot = this.current();
    if (this.isTelling(snapshot)) iterator.offer(snapshot);
    if (this.closed) iterator.end();
    else this.iterators.add(iterator);
    return iterator;
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.current();
      this.host.end();
      this.end();
    }
    return Promise.resolve();
  }

  /** @internal called by the client. Where nobody looks, nothing is made for anybody to look at. */
  changed(): void {
    if (this.closed) return;
    this.refusal = undefined;
    if (this.waiting.size === 0 && this.iterators.size === 0 && !this.emitter.isHeard('change')) return;
    const snapshot = this.current();
    if (snapshot.state === 'current') {
      for (const { resolve } of this.waiting) resolve(snapshot);
      this.waiting.clear();
    }
    for (const iterator of this.iterators) iterator.offer(snapshot);
    this.emitter.emit('change', ...([snapshot] as Events['change']));
  }

  /** @internal called by the client */
  failed(given: Failure): void {
    if (this.closed) return;
    const error = RegistryError.from(given);
    this.refusal = error;
    this.rejectWaiting(error);
    this.emitter.emit('error', ...([error] as Events['error']));
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
