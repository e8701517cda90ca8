import {
  type ClientOperation,
  type ClientResult,
  type Failure,
  type Notice,
  type PublisherView,
  type Push,
  seededRandom,
} from '#model';
import type { ClientEffect, ClientEvent, ClientOptions, KeptView, Registration, Subscription } from './contract.js';
import { ClientCore } from './core.js';

type Sent = ClientEffect & { type: 'request' };
type Settled = ClientEffect & { type: 'settled' };
type Outcome = Settled['outcome'];

export const WALL_MS = 1_700_000_000_000;

/** A client core under virtual time whose server is the test: what it does is read as a transcript. */
export class ClientHarness {
  readonly core: ClientCore;
  nowMs = 0;
  /** Everything done so far except wakes and logs. */
  readonly effects: ClientEffect[] = [];
  readonly outcomes = new Map<number, Outcome>();
  private lines: string[] = [];
  private wakeAtMs = Infinity;
  private calls = 0;

  constructor(options: Partial<ClientOptions> = {}, seed = 1) {
    this.core = new ClientCore({ seeds: ['a:1'], random: seededRandom(seed), ...options });
  }

  do(event: ClientEvent): ClientEffect[] {
    const effects = this.core.step(this.nowMs, event);
    for (const effect of effects) {
      if (effect.type === 'wake') this.wakeAtMs = effect.atMs;
      else if (effect.type !== 'log') this.done(effect);
      if (effect.type === 'settled') this.outcomes.set(effect.call, effect.outcome);
    }
    return effects;
  }

  private done(effect: ClientEffect): void {
    this.effects.push(effect);
    this.lines.push(effect.type === 'changed' ? this.changed(effect.subscriber) : lineOf(effect));
  }

  private changed(subscriber: number): string {
    const { state, stale, version, publishers } = this.core.current(subscriber)!;
    return `changed ${subscriber} ${stale ? 'stale' : state} ${version ?? '-'} ${listOf(publishers)}`;
  }

  /** Lets time pass, with every wake at its time. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (let wakes = 0; this.wakeAtMs <= untilMs; wakes++) {
      if (wakes > 10_000) throw new Error('The core never rests.');
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.wakeAtMs = Infinity;
      this.do({ type: 'wake' });
    }
    this.nowMs = untilMs;
    return this;
  }

  /** The process stands still: time passes without a wake, then the overdue one comes. */
  stall(ms: number): this {
    this.nowMs += ms;
    this.wakeAtMs = Infinity;
    this.do({ type: 'wake' });
    return this;
  }

  /** What was done since the last call, a line each. */
  transcript(): string[] {
    return this.lines.splice(0);
  }

  last<Type extends ClientEffect['type']>(type: Type): ClientEffect & { type: Type } {
    const found = this.effects.findLast((effect) => effect.type === type);
    if (!found) throw new Error(`The client did not ${type}.`);
    return found as ClientEffect & { type: Type };
  }

  get connection(): number {
    return this.last('dial').connection;
  }

  requests(pattern: string): Sent[] {
    return this.effects.filter((effect): effect is Sent => effect.type === 'request' && effect.pattern === pattern);
  }

  operations(): ClientOperation[] {
    return this.requests('registry.apply').flatMap(operationsOf);
  }

  /** From the dial under way to the welcome. */
  welcome(fields: Partial<Notice & { type: 'welcome' }> = {}): this {
    const connection = this.connection;
    this.do({ type: 'connected', connection });
    return this.notice({
      type: 'welcome',
      protocol: 1,
      clusterId: 'c1',
      session: 's1',
      heartbeatMs: 3_000,
      idleTimeoutMs: 10_000,
      sessions: [],
      ...fields,
    });
  }

  start(fields: Partial<Notice & { type: 'welcome' }> = {}): this {
    this.do({ type: 'start' });
    this.welcome(fields);
    this.transcript();
    return this;
  }

  notice(notice: Notice): this {
    this.do({ type: 'notice', connection: this.connection, notice });
    return this;
  }

  drop(): this {
    this.do({ type: 'disconnected', connection: this.connection, message: 'reset' });
    return this;
  }

  publish(publisher: number, registration: Partial<Registration> = {}, wallMs = WALL_MS): number {
    const call = ++this.calls;
    this.do({
      type: 'publish',
      publisher,
      call,
      wallMs,
      registration: { dataId: 'd', registerId: `r${publisher}`, data: ['v1'], ...registration },
    });
    return call;
  }

  republish(publisher: number, ...data: string[]): number {
    const call = ++this.calls;
    this.do({ type: 'republish', publisher, call, data });
    return call;
  }

  unpublish(publisher: number): number {
    const call = ++this.calls;
    this.do({ type: 'unpublish', publisher, call });
    return call;
  }

  close(drain?: boolean): number {
    const call = ++this.calls;
    this.do({ type: 'close', call, ...(drain === undefined ? {} : { drain }) });
    return call;
  }

  subscribe(subscriber: number, subscription: Partial<Subscription> = {}, kept?: KeptView): void {
    const fields = { dataId: 'd', ...subscription };
    this.do({ type: 'subscribe', subscriber, subscription: fields, ...(kept ? { kept } : {}) });
  }

  push(push: Push, subscriptionId = this.last('subscribe').payload.subscriptionId): this {
    this.do({ type: 'push', connection: this.connection, subscriptionId, push });
    return this;
  }

  respond(request: Sent, response: unknown): this {
    this.do({ type: 'response', connection: request.connection, requestId: request.requestId, response });
    return this;
  }

  fail(request: Sent, failure: Failure): this {
    this.do({ type: 'failed', connection: request.connection, requestId: request.requestId, failure });
    return this;
  }

  /** Answers the last `registry.apply`, each operation as `resultOf` says. */
  answer(resultOf: (operation: ClientOperation) => ClientResult = stored): this {
    const request = this.requests('registry.apply').at(-1);
    if (!request) throw new Error('Nothing was applied.');
    return this.respond(request, { results: operationsOf(request).map(resultOf) });
  }
}

function operationsOf(request: Sent): ClientOperation[] {
  return (request.payload as { operations: ClientOperation[] }).operations;
}

export function stored(operation: ClientOperation): ClientResult {
  return { status: 'stored', registerId: String(operation.registerId), dataInfoId: 'd', version: '1.1' };
}

export function accepted(operation: ClientOperation): ClientResult {
  return { status: 'accepted', registerId: String(operation.registerId), dataInfoId: 'd' };
}

function listOf(publishers: readonly PublisherView[]): string {
  return `[${publishers.map(({ registerId, data }) => `${registerId}=${data.join('+')}`).join(' ')}]`;
}

function lineOf(effect: ClientEffect): string {
  switch (effect.type) {
    case 'dial':
      return `dial ${effect.connection} ${effect.address}`;
    case 'hangUp':
    case 'hello':
      return `${effect.type} ${effect.connection}`;
    case 'request':
      return effect.pattern === 'registry.apply'
        ? `apply ${operationsOf(effect).map(operationLine).join(', ')}`
        : `${effect.pattern.replace('registry.', '')} ${JSON.stringify(effect.payload)}`;
    case 'subscribe': {
      const { subscriptionId, dataId, base } = effect.payload;
      const hash = base?.hash === undefined ? '' : `/${base.hash}`;
      return `subscribe ${subscriptionId} ${dataId}${base ? ` from ${base.clusterId}/${base.version}${hash}` : ''}`;
    }
    case 'ack':
      return `${effect.refused ? 'refuse' : 'ack'} ${effect.subscriptionId} ${effect.version}`;
    case 'keep':
      return `keep ${effect.batch} ${effect.views.map((view) => `${view.version} ${listOf(view.publishers)}`).join(', ')}`;
    case 'keepServers':
      return `keep ${effect.servers.clusterId}: ${effect.servers.sessions.join(' ')}`;
    case 'temporary':
      return `told ${effect.subscriber} ${listOf(effect.publishers)} beside ${listOf(effect.snapshot.publishers)}`;
    case 'subscriberFailed':
      return `subscriberFailed ${effect.subscriber} ${effect.failure.code}`;
    case 'stateChanged':
      return effect.state;
    case 'settled':
      return `settled ${effect.call} ${effect.outcome.ok ? (effect.outcome.stored ? 'stored' : 'accepted') : effect.outcome.failure.code}`;
    default:
      return effect.type;
  }
}

/** The stamp is told as its version, and its timestamp only where it is not the usual one. */
function operationLine(operation: ClientOperation): string {
  const [timestamp, version] = operation.stamp ?? [0, 0];
  const at = timestamp === WALL_MS ? '' : `${timestamp}.`;
  if (operation.op === 'unpublish') return `-${operation.registerId}@${at}${version}`;
  const replay = operation.replay ? ' (replay)' : '';
  return `+${operation.registerId}=${operation.data.join('+')}@${at}${version}${replay}`;
}
