import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, type Random, randomId, toDataInfoId } from '#model';
import type {
  ClientBrain,
  ClientEffect,
  ClientEvent,
  ClientState,
  Registration,
  KeptView,
  Subscription,
} from '#registry';
import type {
  ClientHostOptions,
  ClientObserver,
  Outcome,
  SimApplication,
  SimPublisher,
  SimSnapshot,
  SimSubscriber,
  SimWatcher,
} from './application.js';
import type { Socket } from './network.js';
import { SimProcess } from './process.js';
import { describe } from './server-host.js';
import type { ClientMessage, ServerMessage } from './session-host.js';
import type { World } from './world.js';

/** An application with the client core in it, on a machine of its own. */
export class SimClient implements SimApplication {
  readonly publishers: SimPublisher[] = [];
  readonly subscribers: SimSubscriber[] = [];
  readonly watchers: SimWatcher[] = [];
  state: ClientState = 'connecting';
  closed = false;
  wallOffsetMs = 0;
  readonly disk: SimSnapshot;
  private readonly process: SimProcess;
  private readonly core: ClientBrain;
  private readonly random: Random;
  private readonly sockets = new Map<number, Socket>();
  private readonly calls = new Map<number, (outcome: Outcome) => void>();
  private nextCall = 1;
  private pushesToLose = 0;
  private cancelWake: () => void = () => {};

  constructor(
    readonly name: string,
    private readonly world: World,
    private readonly observer: ClientObserver,
    private readonly settings: ClientHostOptions,
  ) {
    this.process = new SimProcess(name, world.clock);
    this.random = world.fork();
    const { makeCore, seeds, zone, deltas = true, limits } = settings;
    this.disk = settings.disk ?? { views: new Map() };
    const { servers: kept } = this.disk;
    const random = world.fork();
    const options = { seeds, appName: name, zone, deltas, random, keep: true, ...(kept ? { kept } : {}) };
    this.core = makeCore({ ...options, ...(limits ? { limits } : {}) });
    this.step({ type: 'start' });
  }

  get running(): boolean {
    return this.process.running;
  }

  get dead(): boolean {
    return this.process.dead;
  }

  get zone(): string {
    return this.settings.zone;
  }

  connectedTo(): { host: string; connection: number } | undefined {
    const socket = [...this.sockets.values()].at(-1);
    return socket?.open && socket.peer.open
      ? { host: socket.peer.process.host, connection: socket.connection }
      : undefined;
  }

  publish(registration: Registration): SimPublisher {
    const number = this.publishers.length + 1;
    const registerId = registration.registerId ?? `${this.name}-${number}-${randomId(this.random, 6)}`;
    const publisher: SimPublisher = {
      client: this,
      registerId,
      dataInfoId: nameOf(registration),
      zone: registration.zone ?? this.zone,
      data: registration.data,
      outcomes: [],
      republish: (data) => {
        publisher.data = data;
        this.act(`republishes ${registerId} ${JSON.stringify(data)}`, () =>
          this.step({ type: 'republish', publisher: number, call: this.call(publisher), data }),
        );
      },
      unpublish: () => {
        publisher.data = undefined;
        this.act(`unpublishes ${registerId}`, () =>
          this.step({ type: 'unpublish', publisher: number, call: this.call(publisher) }),
        );
      },
    };
    this.publishers.push(publisher);
    this.act(`publishes ${registerId} ${JSON.stringify(registration.data)} as ${publisher.dataInfoId}`, () =>
      this.step({
        type: 'publish',
        publisher: number,
        call: this.call(publisher),
        registration: { ...registration, registerId },
        wallMs: this.world.wallMs() + this.wallOffsetMs,
      }),
    );
    return publisher;
  }

  subscribe(subscription: Subscription): SimSubscriber {
    const number = this.subscribers.length + 1;
    const subscriber: SimSubscriber = {
      client: this,
      dataInfoId: nameOf(subscription),
      scope: subscription.scope ?? 'dataCenter',
      zone: subscription.zone ?? this.zone,
      shown: [],
      active: true,
      current: () => subscriber.shown.at(-1)?.snapshot,
      list: () => new Map((subscriber.current()?.publishers ?? []).map((each) => [each.registerId, each.data])),
      unsubscribe: () => {
        subscriber.active = false;
        this.act(`unsubscribes ${subscriber.dataInfoId}`, () => this.step({ type: 'unsubscribe', subscriber: number }));
      },
    };
    this.subscribers.push(subscriber);
    this.act(`subscribes ${subscriber.dataInfoId}`, () =>
      this.step({ type: 'subscribe', subscriber: number, subscription, ...this.keptOf(subscription) }),
    );
    return subscriber;
  }

  watch(key: string): SimWatcher {
    const number = this.watchers.length + 1;
    const watcher: SimWatcher = {
      ...{ client: this, key, told: [], active: true },
      unwatch: () => {
        watcher.active = false;
        this.act(`watches ${key} no longer`, () => this.step({ type: 'unwatch', watcher: number }));
      },
    };
    this.watchers.push(watcher);
    this.act(`watches ${key}`, () => this.step({ type: 'watch', watcher: number, key }));
    return watcher;
  }

  private keptOf({ scope, zone = this.zone, ...names }: Subscription): { kept?: KeptView } {
    const kept = this.disk.views.get(viewKey({ dataInfoId: nameOf(names), ...(scope ? { scope } : {}), zone }));
    return kept ? { kept } : {};
  }

  /** A goodbye: everything it published leaves at once. */
  close(): void {
    this.closed = true;
    for (const publisher of this.publishers) publisher.data = undefined;
    for (const subscriber of this.subscribers) subscriber.active = false;
    this.act('closes', () => this.step({ type: 'close', call: this.call() }));
  }

  /** The next pushes come to nothing, as where an application fails on them: it neither takes nor acknowledges them. */
  losePushes(count: number): void {
    if (count !== this.pushesToLose) this.note(`loses ${count} pushes from now on`);
    this.pushesToLose = count;
  }

  crash(how: 'kill' | 'vanish' = 'kill'): void {
    if (this.process.dead) return;
    this.note(how === 'kill' ? 'is killed' : 'vanishes');
    this.observer.life?.(this.name, how === 'kill' ? 'dies' : 'vanishes');
    if (how === 'vanish') this.world.network.vanish(this.name);
    this.cancelWake();
    this.process.die();
    this.world.network.processDied(this.process);
  }

  pause(): void {
    if (!this.process.running) return;
    this.note('is paused');
    this.observer.life?.(this.name, 'pauses');
    this.process.pause();
  }

  resume(): void {
    if (this.process.running || this.process.dead) return;
    this.note('is resumed');
    this.observer.life?.(this.name, 'resumes');
    this.process.resume();
  }

  /** The application acts only while its process runs; while it is stopped, that waits too. */
  private act(what: string, run: () => void): void {
    this.process.deliver(() => {
      this.note(what);
      run();
    });
  }

  private call(publisher?: SimPublisher): number {
    const call = this.nextCall++;
    this.calls.set(call, (outcome) => publisher?.outcomes.push(outcome));
    return call;
  }

  private step(event: ClientEvent): void {
    if (this.process.dead) return;
    this.world.transcript.trace(this.name, describe(event));
    this.observer.event?.(this.name, event);
    let effects: ClientEffect[];
    try {
      effects = this.core.step(this.world.nowMs(), event);
    } catch (cause) {
      throw new Error(`The core of ${this.name} threw on ${describe(event)} at ${this.world.nowMs()} ms.`, { cause });
    }
    for (const effect of effects) {
      this.observer.effect?.(this.name, effect);
      this.perform(effect);
    }
  }

  private perform(effect: ClientEffect): void {
    switch (effect.type) {
      case 'wake':
        this.cancelWake();
        this.cancelWake = this.process.timer(effect.atMs, () => this.step({ type: 'wake' }));
        return;
      case 'log':
        return this.note(`${effect.level} ${effect.event} ${JSON.stringify(effect.fields ?? {})}`);
      case 'dial':
        return this.dial(effect.connection, effect.address);
      case 'hangUp':
        return this.hangUp(effect.connection);
      case 'hello':
        return this.write(effect.connection, { id: 0, pattern: 'registry.hello', payload: effect.hello });
      case 'request': {
        const { connection, requestId, pattern, payload } = effect;
        return this.write(connection, { id: requestId, pattern, payload });
      }
      case 'subscribe':
        return this.write(effect.connection, { id: -1, pattern: 'registry.subscribe', payload: effect.payload });
      case 'watch':
        return this.write(effect.connection, { id: -1, pattern: 'registry.watch', payload: effect.payload });
      case 'ack': {
        const { connection, type: _type, ...payload } = effect;
        return this.write(connection, { id: -1, pattern: 'registry.ack', payload });
      }
      case 'changed':
        return this.show(effect);
      case 'temporary':
        return this.note(`is told ${effect.publishers.map((each) => each.registerId).join(' ')}`);
      case 'stateChanged':
        this.state = effect.state;
        return this.note(`is ${effect.state}`);
      case 'keep':
        return this.keep(effect.batch, effect.views);
      case 'keepServers':
        this.disk.servers = effect.servers;
        return;
      case 'configChanged': {
        const { key, version, value } = effect.snapshot;
        this.note(`is told that ${key} is ${value === undefined ? 'nothing' : JSON.stringify(value)} at ${version}`);
        this.watchers[effect.watcher - 1]!.told.push(effect.snapshot);
        return;
      }
      case 'watchFailed':
        throw new Error(`${this.name} watches what cannot be: ${effect.failure.message}`);
      case 'subscriberFailed':
        throw new Error(`${this.name} subscribed to what cannot be: ${effect.failure.message}`);
      case 'settled':
        this.calls.get(effect.call)?.(effect.outcome);
        this.calls.delete(effect.call);
        return;
    }
  }

  /** On disk a moment later; what was not, when the process ends, is lost. */
  private keep(batch: number, views: KeptView[]): void {
    this.process.timer(this.world.nowMs() + this.random() * 20, () => {
      for (const view of views) this.disk.views.set(viewKey(view), view);
      this.step({ type: 'kept', batch });
    });
  }

  private show({ subscriber: number, changes }: ClientEffect & { type: 'changed' }): void {
    const subscriber = this.subscribers[number - 1]!;
    const snapshot = this.core.current(number)!;
    subscriber.shown.push({ atMs: this.world.nowMs(), snapshot });
    const ids = snapshot.publishers.map((each) => each.registerId).join(' ');
    this.note(`is shown ${snapshot.dataInfoId} ${snapshot.version} ${snapshot.state} [${ids}]`);
    this.observer.shown?.(subscriber, snapshot, changes);
  }

  private dial(connection: number, address: string): void {
    let over = false;
    const disconnected = (message: string): void => {
      if (over) return;
      over = true;
      this.sockets.delete(connection);
      this.hungUp.delete(connection);
      this.step({ type: 'disconnected', connection, message });
    };
    this.world.network.dial(
      this.process,
      address,
      { kind: 'client' },
      {
        up: (socket) => {
          if (this.hungUp.has(connection)) return socket.close('hung up');
          this.sockets.set(connection, socket);
          this.step({ type: 'connected', connection });
        },
        failed: (reason, message) => disconnected(`${reason}: ${message}`),
        message: (message) => this.read(connection, message as ServerMessage),
        down: disconnected,
      },
    );
  }

  /** Connections given up while the dial was still under way. */
  private readonly hungUp = new Set<number>();

  private hangUp(connection: number): void {
    const socket = this.sockets.get(connection);
    if (socket) socket.close('hung up');
    else this.hungUp.add(connection);
  }

  private read(connection: number, message: ServerMessage): void {
    switch (message.type) {
      case 'response':
        return this.step({ type: 'response', connection, requestId: message.id, response: message.response });
      case 'failed':
        return this.step({ type: 'failed', connection, requestId: message.id, failure: message.failure });
      case 'notice':
        return this.step({ type: 'notice', connection, notice: message.notice });
      case 'push':
        if (this.pushesToLose > 0) return void this.pushesToLose--;
        return this.step({ type: 'push', connection, subscriptionId: message.subscriptionId, push: message.push });
      case 'config':
        return this.step({
          type: 'config',
          connection,
          subscriptionId: message.subscriptionId,
          config: message.config,
        });
      case 'pushFailed':
        return this.step({
          type: 'pushFailed',
          connection,
          subscriptionId: message.subscriptionId,
          failure: message.failure,
        });
    }
  }

  private write(connection: number, message: ClientMessage): void {
    this.sockets.get(connection)?.send(message);
  }

  private note(text: string): void {
    this.world.transcript.note(this.name, text);
  }
}

function viewKey({ dataInfoId, scope, zone }: Pick<KeptView, 'dataInfoId' | 'scope' | 'zone'>): string {
  return JSON.stringify([dataInfoId, scope ?? '', zone ?? '']);
}

function nameOf(name: { dataId: string; group?: string; instanceId?: string }): string {
  const { dataId, group = DEFAULT_GROUP, instanceId = DEFAULT_INSTANCE_ID } = name;
  return toDataInfoId({ dataId, group, instanceId });
}
