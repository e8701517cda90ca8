import {
  type ConfigState,
  type Failure,
  LIMITS,
  type LinkEffect,
  MAX_WATCHED_AT_ONCE,
  type ToMeta,
  type WatchedKey,
  failure,
} from '#model';
import type { SessionContext } from './context.js';
import type { ConfigFrame, ConnectionId, SessionRequest } from './contract.js';
import { type Pending, overloaded } from './requests.js';

type WatchRequest = Extract<SessionRequest, { kind: 'watch' }>;

interface Watch {
  readonly connection: ConnectionId;
  readonly subscriptionId: string;
  readonly watched: Watched;
  /** Of what the client was told last; -1 before. */
  version: number;
  /** It was told that there is no value. */
  isTold: boolean;
}

/** A value that somebody here watches. */
interface Watched {
  readonly key: string;
  readonly watches: Set<Watch>;
  /** Undefined before meta has told. The same object for all who are sent it. */
  known: ConfigFrame | undefined;
}

/** What has to be said to meta; nothing is kept of it where there is no leader, since the next is told everything. */
export type ConfigAsk = (watch: WatchedKey[], unwatch: string[]) => LinkEffect<ToMeta>[];

/**
 * The configuration values that clients watch: asked of meta, and kept while it is away. Whoever is sent one is sent
 * only what is newer than what it has, wherever it has that from; so a value arrives once, and never an older one after it.
 */
export class ConfigWatches {
  private readonly values = new Map<string, Watched>();
  private readonly byConnection = new Map<ConnectionId, Map<string, Watch>>();
  private readonly backedUp = new Set<ConnectionId>();

  constructor(
    private readonly context: SessionContext,
    private readonly ask: ConfigAsk,
  ) {}

  /** Watches of all clients together. */
  get count(): number {
    let count = 0;
    for (const watches of this.byConnection.values()) count += watches.size;
    return count;
  }

  watch(connection: ConnectionId, pending: Pending, { key, subscriptionId, base }: WatchRequest): void {
    const watches = this.byConnection.get(connection) ?? new Map<string, Watch>();
    if (watches.has(subscriptionId)) return pending.fail(failure('ALREADY_SUBSCRIBED'));
    const known = this.values.get(key);
    const isFull = watches.size >= LIMITS.configKeysPerConnection;
    if (isFull || (!known && this.values.size >= LIMITS.configKeysPerSession)) return pending.fail(overloaded());
    const watched = known ?? this.want(key);
    const version = base?.clusterId === this.context.clusterId ? base.version : -1;
    const watch = { connection, subscriptionId, watched, version, isTold: false };
    this.byConnection.set(connection, watches.set(subscriptionId, watch));
    watched.watches.add(watch);
    pending.reply({ kind: 'done' });
    this.offer(watch);
  }

  unwatch(connection: ConnectionId, subscriptionId: string): Failure | undefined {
    const watch = this.byConnection.get(connection)?.get(subscriptionId);
    if (!watch) return failure('NOT_SUBSCRIBED');
    this.end(watch);
    return undefined;
  }

  disconnected(connection: ConnectionId): void {
    for (const watch of [...(this.byConnection.get(connection)?.values() ?? [])]) this.end(watch);
    this.backedUp.delete(connection);
  }

  /** A connection that takes nothing just now is sent the newest when it does. */
  setBackedUp(connection: ConnectionId, isBackedUp: boolean): void {
    if (isBackedUp) this.backedUp.add(connection);
    else if (this.backedUp.delete(connection))
      for (const watch of this.byConnection.get(connection)?.values() ?? []) this.offer(watch);
  }

  /** There is another link to meta. */
  joined(): void {
    const wanted = Array.from(this.values.values(), ({ key, known }) =>
      known ? { key, version: known.version } : { key },
    );
    for (let at = 0; at < wanted.length; at += MAX_WATCHED_AT_ONCE)
      this.say(wanted.slice(at, at + MAX_WATCHED_AT_ONCE), []);
  }

  take(values: ConfigState[]): void {
    const { clusterId } = this.context;
    for (const { key, version, value } of values) {
      const watched = this.values.get(key);
      if (!watched || (watched.known && watched.known.version >= version)) continue;
      watched.known = { type: 'config', clusterId, key, version, ...(value === undefined ? {} : { value }) };
      for (const watch of watched.watches) this.offer(watch);
    }
  }

  private offer(watch: Watch): void {
    const { known } = watch.watched;
    if (!known || known.version <= watch.version || this.backedUp.has(watch.connection)) return;
    watch.version = known.version;
    // That there is still none is nothing new.
    if (known.value === undefined && watch.isTold) return;
    watch.isTold = known.value === undefined;
    const { connection, subscriptionId } = watch;
    this.context.emit({ type: 'config', connection, subscriptionId, frame: known });
  }

  private want(key: string): Watched {
    const watched: Watched = { key, watches: new Set(), known: undefined };
    this.values.set(key, watched);
    this.say([{ key }], []);
    return watched;
  }

  private end(watch: Watch): void {
    const { connection, subscriptionId, watched } = watch;
    const watches = this.byConnection.get(connection)!;
    watches.delete(subscriptionId);
    if (watches.size === 0) this.byConnection.delete(connection);
    watched.watches.delete(watch);
    if (watched.watches.size > 0) return;
    this.values.delete(watched.key);
    this.say([], [watched.key]);
  }

  private say(watch: WatchedKey[], unwatch: string[]): void {
    for (const effect of this.ask(watch, unwatch)) this.context.emit(effect);
  }
}
