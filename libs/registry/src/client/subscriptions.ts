import {
  CODES,
  type DataInfoId,
  DEFAULT_GROUP,
  DEFAULT_INSTANCE_ID,
  type Failure,
  type Notice,
  type Random,
  type SubscribeFields,
  failure,
  checkName,
  isScope,
  toDataInfoId,
  logged,
} from '#model';
import type {
  ClientEffect,
  ClientEvent,
  ClientLimits,
  KeptView,
  SubscriberSnapshot,
  Subscription,
} from './contract.js';
import type { Keeper } from './keeper.js';
import { RETRY_AFTER_MAX_MS } from './limits.js';
import { readPush } from './received.js';
import { RetrySchedule, backoffMs } from './retry.js';
import { formatHash } from '../hash-sum.js';
import { noChanges } from './list-changes.js';
import { type HeldView, applyPush, emptyView, viewOf } from './view.js';

interface Subscriber {
  readonly number: number;
  readonly dataInfoId: DataInfoId;
  readonly fields: Omit<SubscribeFields, 'subscriptionId' | 'base'>;
  view: HeldView;
  /** Whether `view` began with what was on disk. */
  fromDisk: boolean;
  /** The stream open on the present connection. */
  subscriptionId?: string;
  failures: number;
}

/** Every subscription of the client, what it holds, and the stream it holds it by. */
export class SubscriptionBook {
  private readonly subscribers = new Map<number, Subscriber>();
  private readonly byStream = new Map<string, Subscriber>();
  private readonly retries = new RetrySchedule<Subscriber>();
  private streams = 0;
  private connection: { number: number; clusterId: string } | undefined;
  private local: Local = {};

  constructor(
    private readonly defaults: { zone?: string; deltas: boolean },
    private readonly limits: ClientLimits,
    private readonly random: Random,
    private readonly emit: (effect: ClientEffect) => void,
    private readonly keeper?: Keeper,
  ) {}

  get nextRetryMs(): number {
    return this.retries.nextMs;
  }

  subscribe(event: ClientEvent & { type: 'subscribe' }): void {
    if (this.subscribers.has(event.subscriber)) return;
    const fault = checkSubscription(event.subscription);
    if (fault) return this.emit({ type: 'subscriberFailed', subscriber: event.subscriber, failure: fault });
    const { dataId, group = DEFAULT_GROUP, instanceId = DEFAULT_INSTANCE_ID, scope } = event.subscription;
    const zone = event.subscription.zone ?? this.defaults.zone;
    const subscriber: Subscriber = {
      number: event.subscriber,
      dataInfoId: toDataInfoId({ dataId, group, instanceId }),
      fields: {
        dataId,
        group,
        instanceId,
        ...(scope === undefined ? {} : { scope }),
        ...(zone === undefined ? {} : { zone }),
      },
      view: emptyView(),
      fromDisk: false,
      failures: 0,
    };
    this.subscribers.set(subscriber.number, subscriber);
    if (event.kept) this.restore(subscriber, event.kept);
    this.open(subscriber);
  }

  /** Of another cluster than the one that serves the client nothing is shown: it is another world. */
  private restore(subscriber: Subscriber, kept: KeptView): void {
    if (this.connection && this.connection.clusterId !== kept.clusterId) return;
    subscriber.view = viewOf(kept);
    subscriber.fromDisk = true;
    const changes = { ...noChanges(), added: [...subscriber.view.list] };
    this.emit({ type: 'changed', subscriber: subscriber.number, changes });
  }

  /** Of what nobody subscribes to any more, what is on disk already is good enough. */
  private keep(subscriber: Subscriber): void {
    const view = (): KeptView | undefined =>
      this.subscribers.get(subscriber.number) === subscriber ? keptOf(subscriber) : undefined;
    this.keeper?.touch(keyOf(subscriber), view);
  }

  /** The stream to end on the server, if one is open. */
  unsubscribe(number: number): string | undefined {
    const subscriber = this.subscribers.get(number);
    if (!subscriber) return undefined;
    this.subscribers.delete(number);
    this.retries.delete(subscriber);
    if (subscriber.subscriptionId !== undefined) this.byStream.delete(subscriber.subscriptionId);
    return subscriber.subscriptionId;
  }

  snapshot(number: number): SubscriberSnapshot | undefined {
    const subscriber = this.subscribers.get(number);
    return subscriber && snapshotOf(subscriber, this.local);
  }

  /** @param clusterId of the server, as far as known before its welcome */
  connected(number: number, clusterId: string): void {
    this.connection = { number, clusterId };
    for (const subscriber of this.subscribers.values()) this.open(subscriber);
  }

  welcomed({ clusterId, zone, dataCenter }: Notice & { type: 'welcome' }): void {
    if (this.connection) this.connection.clusterId = clusterId;
    this.local = { ...(isString(zone) ? { zone } : {}), ...(isString(dataCenter) ? { dataCenter } : {}) };
  }

  disconnected(): void {
    this.connection = undefined;
    this.byStream.clear();
    this.retries.clear();
    for (const subscriber of this.subscribers.values()) {
      delete subscriber.subscriptionId;
      subscriber.failures = 0;
    }
  }

  wake(nowMs: number): void {
    for (const subscriber of this.retries.due(nowMs)) this.open(subscriber);
  }

  push(event: ClientEvent & { type: 'push' }): void {
    const subscriber = this.byStream.get(event.subscriptionId);
    if (!subscriber) return;
    const push = readPush(event.push);
    if (!push) {
      this.emit(logged('warn', 'push-malformed', { dataInfoId: subscriber.dataInfoId }));
      return;
    }
    subscriber.failures = 0;
    const { view, changes, refused } = applyPush(subscriber.view, push);
    if (view.current && (changes || view.version !== subscriber.view.version)) this.keep(subscriber);
    subscriber.view = view;
    if (push.type !== 'pending') {
      const { connection, subscriptionId } = event;
      const { version } = push;
      if (refused) this.emit({ type: 'ack', connection, subscriptionId, version, refused });
      else this.emit({ type: 'ack', connection, subscriptionId, version });
    }
    const { number, dataInfoId } = subscriber;
    if (refused) this.emit(logged('warn', 'push-refused', { dataInfoId }));
    if (changes) this.emit({ type: 'changed', subscriber: number, changes });
    if (!('temporary' in push) || !push.temporary?.length) return;
    this.emit({
      type: 'temporary',
      subscriber: number,
      publishers: push.temporary,
      snapshot: snapshotOf(subscriber, this.local),
    });
  }

  pushFailed(nowMs: number, subscriptionId: string, given: Failure): void {
    const subscriber = this.byStream.get(subscriptionId);
    if (!subscriber) return;
    this.byStream.delete(subscriptionId);
    delete subscriber.subscriptionId;
    if (CODES[given.code].retry === 'never') {
      this.emit({ type: 'subscriberFailed', subscriber: subscriber.number, failure: given });
      return;
    }
    subscriber.failures++;
    const { reconnectMinMs, reconnectMaxMs } = this.limits;
    const afterMs = Math.min(given.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
    const waitMs = Math.max(afterMs, backoffMs(subscriber.failures, reconnectMinMs, reconnectMaxMs, this.random));
    this.retries.add(subscriber, nowMs + waitMs);
  }

  /** Each stream has an id of its own, so that what a former one still sends is told apart. */
  private open(subscriber: Subscriber): void {
    if (this.connection === undefined || subscriber.subscriptionId !== undefined) return;
    const subscriptionId = `${subscriber.number}.${++this.streams}`;
    subscriber.subscriptionId = subscriptionId;
    this.byStream.set(subscriptionId, subscriber);
    const { clusterId, version, hash } = subscriber.view;
    // Versions of another cluster mean nothing to this one.
    const base =
      clusterId === this.connection.clusterId && version !== undefined
        ? { clusterId, version, ...(hash === undefined ? {} : { hash }) }
        : undefined;
    const deltas = this.defaults.deltas ? { deltas: true } : {};
    this.emit({
      type: 'subscribe',
      connection: this.connection.number,
      payload: { ...subscriber.fields, subscriptionId, ...(base ? { base } : {}), ...deltas, acks: true },
    });
  }
}

/** What the server has told of where the client is. */
interface Local {
  zone?: string;
  dataCenter?: string;
}

function snapshotOf(subscriber: Subscriber, { zone, dataCenter }: Local): SubscriberSnapshot {
  const { dataInfoId, fields, view, fromDisk } = subscriber;
  const localZone = fields.zone ?? zone;
  return {
    dataInfoId,
    ...(view.version === undefined ? {} : { version: view.version }),
    state: view.current ? 'current' : 'pending',
    ...(fromDisk && !view.current ? { stale: true } : {}),
    publishers: view.list.slice(),
    ...(localZone === undefined ? {} : { localZone }),
    ...(dataCenter === undefined ? {} : { dataCenter }),
  };
}

/** What a view is found by on disk. */
function keyOf({ dataInfoId, fields: { scope, zone } }: Subscriber): string {
  return JSON.stringify([dataInfoId, scope ?? '', zone ?? '']);
}

/** What is written in the background is a copy, since the next delta changes what is held. */
function keptOf({ dataInfoId, fields: { scope, zone }, view }: Subscriber): KeptView | undefined {
  const { clusterId, version, hash, hashes } = view;
  const list = view.list.slice();
  if (clusterId === undefined || version === undefined) return undefined;
  return {
    ...{ dataInfoId, clusterId, version, publishers: list },
    ...(hash === undefined ? {} : { hash }),
    ...(hashes ? { hashes: list.map(({ registerId }) => formatHash(hashes.get(registerId)!)) } : {}),
    ...(scope === undefined ? {} : { scope }),
    ...(zone === undefined ? {} : { zone }),
  };
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** Why the subscription cannot be made, or undefined when it can. */
export function checkSubscription(subscription: Subscription): Failure | undefined {
  if (typeof subscription !== 'object' || subscription === null) return failure('BAD_REQUEST');
  const { dataId, group, instanceId, scope, zone } = subscription;
  const fault = checkName('dataId', dataId);
  if (fault) return fault;
  for (const [field, value] of Object.entries({ group, instanceId, zone })) {
    const optional = value === undefined ? undefined : checkName(field, value);
    if (optional) return optional;
  }
  return scope === undefined || isScope(scope) ? undefined : failure('INVALID_SCOPE');
}
