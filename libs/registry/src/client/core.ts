import {
  type ClientHello,
  type Failure,
  type LogLevel,
  type Notice,
  PROTOCOL_VERSION,
  type Random,
  failure,
  type EventAt,
  logged,
} from '#model';
import { Alarm } from './alarm.js';
import type {
  ClientBrain,
  ClientEffect,
  ClientEvent,
  ClientLimits,
  ClientOptions,
  ClientState,
  ClientStatus,
  StateReason,
  SubscriberSnapshot,
  UnaryPattern,
} from './contract.js';
import { refusedForMs } from './refusals.js';
import { RECONNECT_SPREAD_MAX_MS, clientLimits } from './limits.js';
import { greeting } from './greeting.js';
import { Keeper } from './keeper.js';
import { Pauses } from './pauses.js';
import { type Dialing, type Phase, deadAtMs, openConnection, readyPhase } from './phase.js';
import { type Batch, PublisherBook } from './publishers.js';
import { readFailure, readMs, readNotice } from './received.js';
import { ServerList } from './servers.js';
import { Status } from './status.js';
import { Streams } from './streams.js';

interface Request {
  deadlineMs: number;
  /** Undefined for the goodbye. */
  batch?: Batch;
}

/**
 * The client's brain. It keeps one connection to some session server, and everything published and subscribed to is
 * told again over each new one. Whatever the servers do, the application's publishers and subscribers live on.
 */
export class ClientCore implements ClientBrain {
  private readonly limits: ClientLimits;
  private readonly random: Random;
  private readonly pauses: Pauses;
  private readonly servers: ServerList;
  private readonly standing = new Status();
  private readonly keeper: Keeper | undefined;
  private readonly publishers: PublisherBook;
  readonly streams: Streams;
  private readonly hello: Omit<ClientHello, 'clusterId'>;

  private nowMs = 0;
  private out: ClientEffect[] = [];
  private phase: Phase = { name: 'idle' };
  private connections = 0;
  private clusterId: string | undefined;
  private readonly requests = new Map<number, Request>();
  private requestIds = 0;
  private closing: { calls: number[]; deadlineMs: number; goodbyeSent: boolean } | undefined;
  private readonly alarm = new Alarm();

  constructor(options: ClientOptions) {
    const { random, appName, zone, deltas = true, encodings } = options;
    this.limits = clientLimits(options.limits);
    this.random = random;
    this.pauses = new Pauses(this.limits, random);
    this.servers = new ServerList(options.seeds, random);
    this.servers.learn(options.kept?.sessions);
    this.clusterId = options.kept?.clusterId;
    const defaults = {
      ...(zone === undefined ? {} : { zone }),
      ...(appName === undefined ? {} : { appName }),
    };
    this.hello = { protocol: PROTOCOL_VERSION, ...defaults, ...(encodings ? { encodings } : {}) };
    const emit = (effect: ClientEffect): void => void this.out.push(effect);
    this.publishers = new PublisherBook(defaults, this.limits, random, emit);
    if (options.keep) this.keeper = new Keeper(this.limits, emit, options.kept);
    this.streams = new Streams({ ...defaults, deltas }, this.limits, random, emit, this.keeper);
  }

  get status(): ClientStatus {
    return this.standing.current;
  }

  current(subscriber: number): SubscriberSnapshot | undefined {
    return this.streams.subscriptions.snapshot(subscriber);
  }

  step(nowMs: number, event: ClientEvent): ClientEffect[] {
    this.nowMs = nowMs;
    this.out = [];
    this.handle(event);
    this.pump();
    if (this.phase.name !== 'closed') this.keeper?.pump(nowMs);
    this.arm();
    return this.out;
  }

  private handle(event: ClientEvent): void {
    switch (event.type) {
      case 'start':
        if (this.phase.name !== 'idle') return;
        this.standing.started(this.nowMs);
        return this.dial();
      case 'wake':
        return this.wake();
      case 'publish':
      case 'republish':
      case 'unpublish':
        if (this.closing || this.phase.name === 'closed') return this.settle(event.call, failure('SHUTTING_DOWN'));
        if (event.type === 'publish') this.publishers.publish(event);
        else if (event.type === 'republish') this.publishers.republish(event);
        else this.publishers.unpublish(event);
        return;
      case 'subscribe':
      case 'watch':
        if (!this.closing && this.phase.name !== 'closed') this.streams.begin(event);
        return;
      case 'unsubscribe':
      case 'unwatch': {
        const subscriptionId = this.streams.end(event);
        // Its answer is of no interest: NOT_SUBSCRIBED is as good as done.
        if (subscriptionId !== undefined) this.send('registry.unsubscribe', { subscriptionId });
        return;
      }
      case 'kept':
        return this.keeper?.kept(event.batch);
      case 'close':
        return this.close(event.call, event.drain ?? true);
      default:
        return this.received(event);
    }
  }

  private received(event: Exclude<ClientEvent, { call: number } | { subscriber: number } | { watcher: number }>): void {
    if (!('connection' in event)) return;
    const phase = this.phase;
    if (!('connection' in phase) || phase.connection !== event.connection) {
      // A dial given up long ago went through after all.
      if (event.type === 'connected') this.out.push({ type: 'hangUp', connection: event.connection });
      return;
    }
    switch (event.type) {
      case 'connected':
        return phase.name === 'dialing' ? this.greet(phase) : undefined;
      case 'disconnected':
        return this.lost(event.message, 'connection-lost');
      case 'failed':
        return this.failed(event.requestId, readFailure(event.failure));
      case 'response':
        this.heard();
        return this.responded(event.requestId, event.response);
      case 'notice':
        this.heard();
        return this.noticed(readNotice(event.notice));
      case 'push':
        this.heard();
        return this.streams.subscriptions.push(event);
      case 'config':
        this.heard();
        return this.streams.watches.told(event);
      case 'pushFailed':
        return this.streams.pushFailed(this.nowMs, event.subscriptionId, readFailure(event.failure));
    }
  }

  /**
   * Where a server has served the client before, and none has refused it since, all that it holds goes out right behind the
   * hello: the return of many costs everybody a round less. A server that refuses the hello refuses what follows it.
   */
  private greet(dialed: Dialing): void {
    const { connection } = dialed;
    const { clusterId } = this;
    const { hasRefused } = this.servers;
    const isOpen = clusterId !== undefined && !hasRefused;
    this.phase = { ...dialed, name: 'greeting', deadlineMs: this.nowMs + this.limits.requestTimeoutMs, isOpen };
    this.out.push({ type: 'hello', connection, hello: greeting(this.hello, clusterId, hasRefused) });
    if (isOpen) this.tellAll(connection, clusterId);
  }

  private tellAll(connection: number, clusterId: string): void {
    this.publishers.replay();
    this.pump();
    this.streams.connected(connection, clusterId);
  }

  private responded(requestId: number, response: unknown): void {
    const request = this.requests.get(requestId);
    if (!request) return;
    this.requests.delete(requestId);
    if (request.batch) this.publishers.applied(this.nowMs, request.batch, response);
    else this.finish(true);
  }

  private failed(requestId: number, given: Failure): void {
    if (requestId === 0) {
      // Whoever answers at these addresses now is another cluster than the one known: another world, met anew.
      if (given.code === 'CLUSTER_MISMATCH') {
        this.clusterId = undefined;
        this.servers.forget();
      }
      const refusedMs = refusedForMs(given, this.limits.reconnectMinMs);
      return this.hangUp(`hello failed: ${given.code} ${given.message}`, 'connection-lost', refusedMs);
    }
    const request = this.requests.get(requestId);
    if (!request) return;
    if (given.code === 'CONNECTION_CLOSED') return this.hangUp(given.message, 'connection-lost');
    if (given.code === 'DEADLINE_EXCEEDED') return this.hangUp(given.message, 'unanswered');
    this.heard();
    this.requests.delete(requestId);
    if (request.batch) this.publishers.applyFailed(this.nowMs, request.batch, given);
    else this.finish(false);
  }

  private noticed(notice: Notice | undefined): void {
    if (notice?.type === 'welcome') this.welcomed(notice);
    else if (notice?.type === 'stale') this.publishers.stale(this.nowMs, notice.registerId, notice.held);
    else if (notice?.type === 'move') this.asked(notice);
    else if (notice?.type === 'servers') this.directed(notice);
    else this.log('debug', 'notice-unknown');
  }

  private welcomed(welcome: Notice & { type: 'welcome' }): void {
    const phase = this.phase;
    if (phase.name !== 'greeting') return;
    this.phase = readyPhase(phase, welcome, this.nowMs);
    if (this.clusterId !== undefined && this.clusterId !== welcome.clusterId)
      this.log('warn', 'cluster-changed', { from: this.clusterId, to: welcome.clusterId });
    this.clusterId = welcome.clusterId;
    this.directed(welcome);
    this.log('info', 'connected', { address: phase.address, clusterId: welcome.clusterId });
    this.enter('ready', 'welcomed', `Served by ${phase.address}.`, phase.address);
    this.streams.welcomed(welcome);
    if (!phase.isOpen) this.tellAll(phase.connection, welcome.clusterId);
  }

  private directed({ sessions, reconnectSpreadMs }: Notice & { type: 'welcome' | 'servers' }): void {
    if (this.phase.name !== 'ready' || this.clusterId === undefined) return;
    this.phase.spreadMs = readMs(reconnectSpreadMs, RECONNECT_SPREAD_MAX_MS);
    this.servers.learn(sessions);
    this.keeper?.learned({ clusterId: this.clusterId, sessions: this.servers.known });
  }

  private asked(move: Notice & { type: 'move' }): void {
    const phase = this.phase;
    if (phase.name !== 'ready' || phase.moveAtMs !== undefined) return;
    // With nowhere else to go, the server closes the connection in its own time.
    if (!this.servers.hasOtherThan(phase.address)) return;
    const spreadMs = Number.isFinite(move.spreadMs) ? Math.max(0, move.spreadMs) : 0;
    phase.moveAtMs = this.nowMs + this.random() * spreadMs;
    this.log('info', 'move-asked', { address: phase.address, reason: move.reason });
  }

  private wake(): void {
    this.alarm.rang(this.nowMs);
    this.publishers.wake(this.nowMs);
    this.streams.wake(this.nowMs);
    if (this.closing && this.nowMs >= this.closing.deadlineMs) return this.finish(false);
    const phase = this.phase;
    if (phase.name === 'waiting' && this.nowMs >= phase.atMs) this.dial(phase.avoid);
    if (this.nowMs >= this.deadMs()) return this.hangUp('no answer within the deadline', 'unanswered');
    if (phase.name !== 'ready') return;
    if (phase.moveAtMs !== undefined && this.nowMs >= phase.moveAtMs) return this.hangUp('asked to move', 'moved');
    if (this.nowMs >= phase.heartbeatAtMs) {
      phase.heartbeatAtMs = this.nowMs + phase.heartbeatMs;
      phase.unheardSinceMs ??= this.nowMs;
      this.send('registry.heartbeat', {});
    }
  }

  private deadMs(): number {
    const [oldest] = this.requests.values();
    const atMs = deadAtMs(this.phase, oldest?.deadlineMs ?? Infinity, this.limits.requestTimeoutMs);
    return Math.max(atMs, this.alarm.judgeFromMs);
  }

  private heard(): void {
    if (this.phase.name === 'ready') delete this.phase.unheardSinceMs;
  }

  private dial(avoid?: string): void {
    const address = this.servers.next(this.nowMs, avoid);
    if (address === undefined) return this.log('error', 'no-seeds');
    const connection = ++this.connections;
    this.phase = { name: 'dialing', connection, address, deadlineMs: this.nowMs + this.limits.dialTimeoutMs };
    this.out.push({ type: 'dial', connection, address });
  }

  private hangUp(message: string, reason: StateReason, refusedMs?: number): void {
    if ('connection' in this.phase) this.out.push({ type: 'hangUp', connection: this.phase.connection });
    this.lost(message, reason, refusedMs);
  }

  /**
   * The connection is gone: elsewhere if it had been a good one, after a growing wait if not. Where it broke, others broke
   * with it, and all of them spread as the server has told; silence and a request to move are noticed by each in its time.
   * Refused, the client goes elsewhere at once, and where all have refused waits for as long as the first of them said.
   */
  private lost(message: string, reason: StateReason, refusedMs?: number): void {
    const phase = this.phase;
    if (!('connection' in phase)) return;
    const wasReady = phase.name === 'ready';
    const { address } = phase;
    if (wasReady) this.log('warn', 'connection-lost', { address, message });
    else this.log('info', 'connection-failed', { address, message });
    this.phase = { name: 'idle' };
    if (this.closing) return this.finish(false);
    this.requests.clear();
    this.publishers.disconnected();
    this.streams.disconnected();
    if (wasReady) {
      this.servers.restart();
      this.pauses.served(this.nowMs - phase.sinceMs);
      this.enter('degraded', reason, message);
    } else {
      if (refusedMs === undefined) this.pauses.failed();
      else this.servers.refused(phase.address, this.nowMs, refusedMs);
      this.standing.failed(message);
    }
    const atMs =
      refusedMs === undefined
        ? this.nowMs + this.pauses.nextMs(wasReady && reason === 'connection-lost' ? phase.spreadMs : 0)
        : this.servers.freeAtMs(this.nowMs);
    if (atMs <= this.nowMs) return this.dial(phase.address);
    this.phase = { name: 'waiting', atMs, avoid: phase.address };
  }

  private close(call: number, drain: boolean): void {
    if (this.phase.name === 'closed') return this.settle(call);
    if (this.closing) {
      this.closing.calls.push(call);
      return;
    }
    this.closing = { calls: [call], deadlineMs: this.nowMs + this.limits.requestTimeoutMs, goodbyeSent: false };
    if (openConnection(this.phase) === undefined || !drain) return this.finish(false);
    this.publishers.drain();
  }

  private finish(acknowledged: boolean): void {
    if (!this.closing) return;
    if ('connection' in this.phase) this.out.push({ type: 'hangUp', connection: this.phase.connection });
    this.phase = { name: 'closed' };
    this.keeper?.close(this.nowMs);
    this.requests.clear();
    this.publishers.disconnected();
    this.streams.disconnected();
    this.publishers.settleAll(failure('SHUTTING_DOWN', 'The client is closed.'));
    for (const call of this.closing.calls)
      this.out.push({ type: 'settled', call, outcome: { ok: true, stored: acknowledged } });
    this.closing = undefined;
    this.enter('closed', 'closed', 'The application has closed the client.');
  }

  /** Sends what waits, as far as the requests in flight allow; when closing, the goodbye comes after all of it. */
  private pump(): void {
    if (openConnection(this.phase) === undefined) return;
    while (this.requests.size < this.limits.appliesInFlight) {
      const batch = this.publishers.nextBatch();
      if (!batch) break;
      this.request('registry.apply', { operations: batch.operations }, batch);
    }
    if (this.closing && !this.closing.goodbyeSent && this.requests.size === 0) {
      this.closing.goodbyeSent = true;
      this.request('registry.goodbye', {});
    }
  }

  private request(pattern: UnaryPattern, payload: object, batch?: Batch): void {
    const deadlineMs = this.nowMs + this.limits.requestTimeoutMs;
    this.requests.set(this.send(pattern, payload), batch ? { deadlineMs, batch } : { deadlineMs });
  }

  /** Sends a request whose answer is not waited for. */
  private send(pattern: UnaryPattern, payload: object): number {
    const requestId = ++this.requestIds;
    const connection = openConnection(this.phase);
    if (connection !== undefined) this.out.push({ type: 'request', connection, requestId, pattern, payload });
    return requestId;
  }

  private arm(): void {
    const phase = this.phase;
    if (phase.name === 'closed') return;
    let atMs = Math.min(
      this.publishers.nextRetryMs,
      this.streams.nextRetryMs,
      this.keeper?.nextMs ?? Infinity,
      this.closing?.deadlineMs ?? Infinity,
      this.deadMs(),
    );
    if (phase.name === 'waiting') atMs = Math.min(atMs, phase.atMs);
    if (phase.name === 'ready') atMs = Math.min(atMs, phase.heartbeatAtMs, phase.moveAtMs ?? Infinity);
    const wake = this.alarm.set(atMs);
    if (wake) this.out.push(wake);
  }

  private enter(state: ClientState, reason: StateReason, message: string, server?: string): void {
    const at = server === undefined ? {} : { server };
    const status = this.standing.enter({ state, sinceMs: this.nowMs, reason, message, ...at });
    if (status) this.out.push({ type: 'stateChanged', state, status });
  }

  private settle(call: number, given?: Failure): void {
    const outcome = given ? { ok: false as const, failure: given } : { ok: true as const, stored: true };
    this.out.push({ type: 'settled', call, outcome });
  }

  private log<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields?: Record<string, unknown>): void {
    this.out.push(logged(level, event, fields));
  }
}
