import type { ConnectionOptions } from 'node:tls';
import {
  DEFAULT_GROUP,
  DEFAULT_INSTANCE_ID,
  type DatumView,
  type Env,
  RegistryError,
  checkName,
  randomId,
  toDataInfoId,
} from '#model';
import {
  type ClientEvent,
  type ClientLimits,
  type ClientState,
  type ClientStatus as CoreStatus,
  type ConfigSnapshot,
  DEFAULT_CLIENT_LIMITS,
  type KeptView,
  type Registration,
  type SubscriberSnapshot,
  type Subscription,
  checkSubscription,
} from '#registry';
import { parseAddress } from './address.js';
import { announceOnce } from './announce.js';
import { type ApplicationEffect, ClientHost, type LogEntry } from './client-host.js';
import { ConfigWatcher } from './config-watcher.js';
import { Emitter } from './emitter.js';
import { systemEnv } from './env.js';
import { Publisher } from './publisher.js';
import { type QueryOptions, queryUntil } from './query.js';
import type { RpcConnection } from './rpc-connection.js';
import { SnapshotFolder, type SnapshotOptions, type SnapshotProblem } from './snapshot/snapshot-folder.js';
import { Subscriber } from './subscriber.js';

export interface RegistryClientOptions {
  /** RPC addresses of session servers, `host:port`. One is enough; the others are learned from it. */
  seeds: string[];
  /** Tells subscribers and operators who publishes. */
  appName?: string;
  /** The zone of publications and subscriptions that name none. */
  zone?: string;
  limits?: Partial<ClientLimits>;
  /**
   * Keeps on disk what is known, so that a start at which no server can be reached begins with that, marked stale. Left
   * out, nothing is written.
   */
  snapshot?: SnapshotOptions;
  /** Present for TLS. */
  tls?: ConnectionOptions;
  /** The outside world; another one in tests. */
  env?: Env;
}

/** In which state a client is, why, and since when. */
export interface ClientStatus extends Omit<CoreStatus, 'sinceMs'> {
  since: Date;
}

export type RegistryClientEvents = {
  /** Told with every change of state. */
  state: [state: ClientState, status: ClientStatus];
  /** A listener of the application threw, or rejected. */
  error: [error: unknown];
  /** The snapshot on disk is not as it should be; the client goes on without. */
  snapshot: [problem: SnapshotProblem];
  log: [entry: LogEntry];
};

/**
 * A client of the registry. It connects with the first use, keeps one connection to some session server, and tells
 * every new one all that is published and subscribed to. No failure of a server reaches the application but as a wait.
 */
export class RegistryClient {
  private readonly env: Env;
  private readonly host: ClientHost;
  private readonly snapshot: SnapshotFolder | undefined;
  private readonly emitter: Emitter<RegistryClientEvents>;
  private readonly calls = new Map<number, { resolve(traceId?: string): void; reject(error: RegistryError): void }>();
  private readonly publishers = new Set<Publisher>();
  private readonly subscribers = new Map<number, Subscriber>();
  private readonly watchers = new Map<number, ConfigWatcher>();
  /** The subscriber that is just being made. */
  private subscribing: number | undefined;
  private numbers = 0;
  private started = false;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: RegistryClientOptions) {
    checkOptions(options);
    this.env = options.env ?? systemEnv();
    // A listener for errors that throws itself has nobody left to tell.
    this.emitter = new Emitter((error, name) => name !== 'error' && this.emitter.emit('error', error));
    const { seeds, appName, zone, tls } = options;
    const limits = { ...DEFAULT_CLIENT_LIMITS, ...options.limits };
    this.snapshot = options.snapshot && this.openSnapshot(options.snapshot);
    this.host = new ClientHost({
      seeds: [...seeds],
      ...(appName === undefined ? {} : { appName }),
      ...(zone === undefined ? {} : { zone }),
      ...(tls === undefined ? {} : { tls }),
      ...(this.snapshot === undefined ? {} : { keep: true }),
      ...(this.snapshot?.servers === undefined ? {} : { kept: this.snapshot.servers }),
      limits,
      dialTimeoutMs: limits.dialTimeoutMs,
      requestTimeoutMs: limits.requestTimeoutMs,
      env: this.env,
      onEffect: (effect) => this.perform(effect),
    });
  }

  get state(): ClientState {
    return this.host.core.status.state;
  }

  /** Also tells, while no server serves the client, how many dials have failed since and why the last one did. */
  get status(): ClientStatus {
    return this.present(this.host.core.status);
  }

  on<Name extends keyof RegistryClientEvents>(
    name: Name,
    listener: (...args: RegistryClientEvents[Name]) => unknown,
  ): this {
    this.emitter.on(name, listener);
    return this;
  }

  off<Name extends keyof RegistryClientEvents>(
    name: Name,
    listener: (...args: RegistryClientEvents[Name]) => unknown,
  ): this {
    this.emitter.off(name, listener);
    return this;
  }

  /** Resolves when a server has welcomed the client. Not needed before publishing or subscribing. */
  async connect(): Promise<void> {
    await this.connection();
  }

  /**
   * Registers, and resolves when the registry has it; as long as no server can be reached, the promise waits. Rejects
   * when the registry refuses it, or when the client closes before.
   */
  async publish(registration: Registration): Promise<Publisher> {
    const number = ++this.numbers;
    const own: Registration = {
      ...registration,
      registerId: registration.registerId ?? randomId(this.env.random),
      data: Array.isArray(registration.data) ? [...registration.data] : registration.data,
    };
    const traceId = await this.call((call) => ({
      type: 'publish',
      publisher: number,
      call,
      registration: own,
      wallMs: this.env.wallMs(),
    }));
    const publisher = new Publisher(own.registerId as string, dataInfoIdOf(own), number, (make) => this.call(make));
    if (traceId !== undefined) publisher.traceId = traceId;
    publisher.onUnpublish = () => void this.publishers.delete(publisher);
    this.publishers.add(publisher);
    return publisher;
  }

  /** How many publishers the registry has been given and has not been asked to remove. */
  get publisherCount(): number {
    return this.publishers.size;
  }

  /** Takes away all that is published; the client stays, and so does what it subscribes to. */
  async unpublishAll(): Promise<void> {
    await Promise.all([...this.publishers].map((publisher) => publisher.unpublish()));
  }

  /**
   * Subscribes. Throws when no server would take the subscription; everything later comes as events. What the snapshot on
   * disk has of it is held at once, as `stale`, until the first complete answer.
   */
  subscribe(subscription: Subscription, listener?: (snapshot: SubscriberSnapshot) => unknown): Subscriber {
    const fault = checkSubscription(subscription);
    if (fault) throw RegistryError.from(fault);
    if (this.closing) throw new RegistryError('SHUTTING_DOWN', 'The client is closed.');
    const number = ++this.numbers;
    const subscriber = new Subscriber(
      {
        snapshot: () => this.host.core.current(number),
        end: () => {
          this.subscribers.delete(number);
          this.dispatch({ type: 'unsubscribe', subscriber: number });
        },
        report: (error) => this.emitter.emit('error', error),
      },
      { dataInfoId: dataInfoIdOf(subscription), state: 'pending', publishers: [] },
    );
    if (listener) subscriber.on('change', listener);
    this.subscribers.set(number, subscriber);
    const kept = this.keptOf(subscription);
    this.subscribing = number;
    this.dispatch({
      ...{ type: 'subscribe', subscriber: number, subscription: { ...subscription } },
      ...(kept === undefined ? {} : { kept }),
    });
    this.subscribing = undefined;
    return subscriber;
  }

  /**
   * Watches a configuration value, which operators set. Throws when `key` is none; everything later comes as events.
   */
  watch(key: string, listener?: (snapshot: ConfigSnapshot) => unknown): ConfigWatcher {
    const fault = checkName('key', key);
    if (fault) throw RegistryError.from(fault);
    if (this.closing) throw new RegistryError('SHUTTING_DOWN', 'The client is closed.');
    const number = ++this.numbers;
    const watcher = new ConfigWatcher(
      {
        snapshot: () => this.host.core.streams.watches.snapshot(number),
        end: () => {
          this.watchers.delete(number);
          this.dispatch({ type: 'unwatch', watcher: number });
        },
        report: (error) => this.emitter.emit('error', error),
      },
      { key, state: 'pending' },
    );
    if (listener) watcher.on('change', listener);
    this.watchers.set(number, watcher);
    this.dispatch({ type: 'watch', watcher: number, key });
    return watcher;
  }

  /**
   * A temporary publication: whoever is subscribed now is told once, together with what is published, and nobody keeps
   * it. Resolves when it is on its way to all of them.
   * @throws RegistryError OUTCOME_UNKNOWN where they may have been told; NO_LEADER and others where they were not
   */
  async announce(registration: Registration): Promise<void> {
    if (this.closing) throw new RegistryError('SHUTTING_DOWN', 'The client is closed.');
    const { zone, appName } = this.options;
    const defaults = { ...(zone === undefined ? {} : { zone }), ...(appName === undefined ? {} : { appName }) };
    const { attributes, ...named } = { ...defaults, ...registration };
    const own = attributes === undefined ? named : { ...named, attributes };
    await announceOnce(own, this.env, (deadlineMs) => this.connection(deadlineMs));
  }

  /** Who publishes now, asked once. Tries again within the deadline whatever may pass. */
  async query(query: Subscription, options: QueryOptions = {}): Promise<DatumView> {
    const fault = checkSubscription(query);
    if (fault) throw RegistryError.from(fault);
    const { zone } = this.options;
    const fields = { ...(zone === undefined ? {} : { zone }), ...query };
    return queryUntil(fields, options, this.env, (deadlineMs) => this.connection(deadlineMs));
  }

  /**
   * Closes the client. With `drain`, the default, everything published leaves at once and is gone when the promise
   * resolves; without it, publications stay for the server's grace, as after a crash.
   */
  close(options: { drain?: boolean } = {}): Promise<void> {
    const { drain = true } = options;
    this.closing ??= this.call((call) => ({ type: 'close', call, drain })).then(() => this.snapshot?.close());
    return this.closing;
  }

  private openSnapshot(options: SnapshotOptions): SnapshotFolder {
    return new SnapshotFolder(options, {
      name: this.options.appName ?? 'client',
      token: randomId(this.env.random),
      wallMs: () => this.env.wallMs(),
      // Not before whoever makes the client can listen.
      report: (problem) => queueMicrotask(() => this.emitter.emit('snapshot', problem)),
    });
  }

  private keptOf({ scope, zone = this.options.zone, ...names }: Subscription): KeptView | undefined {
    return this.snapshot?.view({
      dataInfoId: dataInfoIdOf(names),
      ...(scope === undefined ? {} : { scope }),
      ...(zone === undefined ? {} : { zone }),
    });
  }

  private connection(deadlineMs = Infinity): Promise<RpcConnection> {
    this.start();
    return new Promise((resolve, reject) => {
      let cancel = (): void => {};
      const finish = (): void => {
        cancel();
        this.emitter.off('state', look);
      };
      const look = (): void => {
        const connection = this.host.connection;
        if (connection) {
          finish();
          resolve(connection);
        } else if (this.state === 'closed') {
          finish();
          reject(new RegistryError('SHUTTING_DOWN', 'The client is closed.'));
        }
      };
      this.emitter.on('state', look);
      if (deadlineMs !== Infinity)
        cancel = this.env.at(deadlineMs, () => {
          finish();
          reject(new RegistryError('DEADLINE_EXCEEDED', 'No session server was reached within the deadline.'));
        });
      look();
    });
  }

  /** Resolves to the id of the trace, where the call asked for one. */
  private call(make: (call: number) => ClientEvent): Promise<string | undefined> {
    const call = ++this.numbers;
    return new Promise((resolve, reject) => {
      this.calls.set(call, { resolve, reject });
      this.dispatch(make(call));
    });
  }

  private dispatch(event: ClientEvent): void {
    if (event.type !== 'close') this.start();
    this.host.dispatch(event);
  }

  private start(): void {
    if (this.started || this.closing) return;
    this.started = true;
    this.host.dispatch({ type: 'start' });
  }

  private perform(effect: ApplicationEffect): void {
    switch (effect.type) {
      case 'changed': {
        const tell = (): void => this.subscribers.get(effect.subscriber)?.changedBy(effect.changes);
        // No listener hears anything before whoever subscribes has the subscriber in hand.
        return effect.subscriber === this.subscribing ? queueMicrotask(tell) : tell();
      }
      case 'temporary':
        return this.subscribers.get(effect.subscriber)?.told(effect.publishers, effect.snapshot);
      case 'subscriberFailed':
        return this.subscribers.get(effect.subscriber)?.failed(effect.failure);
      case 'configChanged':
        return this.watchers.get(effect.watcher)?.changed();
      case 'watchFailed':
        return this.watchers.get(effect.watcher)?.failed(effect.failure);
      case 'settled': {
        const call = this.calls.get(effect.call);
        this.calls.delete(effect.call);
        if (effect.outcome.ok) call?.resolve(effect.outcome.traceId);
        else call?.reject(RegistryError.from(effect.outcome.failure));
        return;
      }
      case 'stateChanged':
        if (effect.state === 'closed') this.ended();
        return this.emitter.emit('state', effect.state, this.present(effect.status));
      case 'keep': {
        const { batch, views } = effect;
        void this.snapshot?.keep(views).then(() => this.host.dispatch({ type: 'kept', batch }));
        return;
      }
      case 'keepServers':
        void this.snapshot?.keepServers(effect.servers);
        return;
      case 'log': {
        const { type: _type, ...entry } = effect;
        return this.emitter.emit('log', entry);
      }
    }
  }

  private present({ sinceMs, ...status }: CoreStatus): ClientStatus {
    return { ...status, since: new Date(this.env.wallMs() - (this.env.nowMs() - sinceMs)) };
  }

  private ended(): void {
    for (const observed of [...this.subscribers.values(), ...this.watchers.values()]) observed.end();
    this.subscribers.clear();
    this.watchers.clear();
  }
}

function dataInfoIdOf(name: Subscription | Registration): string {
  const { dataId, group = DEFAULT_GROUP, instanceId = DEFAULT_INSTANCE_ID } = name;
  return toDataInfoId({ dataId, group, instanceId });
}

function checkOptions(options: RegistryClientOptions): void {
  const { seeds, appName, zone } = options;
  if (!Array.isArray(seeds) || seeds.length === 0)
    throw new RegistryError('INVALID_CONFIGURATION', 'seeds must name at least one session server.');
  for (const seed of seeds) parseAddress(seed);
  for (const [field, value] of Object.entries({ appName, zone })) {
    const fault = value === undefined ? undefined : checkName(field, value);
    if (fault) throw new RegistryError('INVALID_CONFIGURATION', fault.message);
  }
}
