import type { ConnectionOptions } from 'node:tls';
import {
  type ConfigPush,
  type Env,
  type Failure,
  type LogEffect,
  type Notice,
  type Push,
  RegistryError,
  failure,
} from '#model';
import { ClientCore, type ClientEffect, type ClientEvent, type ClientOptions, type ClientState } from '#registry';
import { ENCODINGS, expanded, readTurns } from '#wire';
import { parseAddress } from './address.js';
import { RpcConnection } from './rpc-connection.js';

/** What the host passes on to the application's side. */
export type ApplicationEffect = Extract<
  ClientEffect,
  {
    type:
      | 'changed'
      | 'temporary'
      | 'subscriberFailed'
      | 'configChanged'
      | 'watchFailed'
      | 'settled'
      | 'stateChanged'
      | 'keep'
      | 'keepServers'
      | 'log';
  }
>;

export interface ClientHostOptions extends Omit<ClientOptions, 'random'> {
  env: Env;
  tls?: ConnectionOptions;
  /** A dial without a connection for this long is given up; the core has the same limit. */
  dialTimeoutMs: number;
  requestTimeoutMs: number;
  onEffect(effect: ApplicationEffect): void;
}

/** The connection of the core's latest dial. */
interface Link {
  number: number;
  rpc?: RpcConnection;
  /** Ends listening to each stream open, by subscriptionId. */
  streams: Map<string, () => void>;
  /** What has been told to the application and is not acknowledged yet. */
  acks: Ack[];
}

type Ack = ClientEffect & { type: 'ack' };

/**
 * Runs the client's core in the outside world: events in, effects performed in order. It decides nothing. An event
 * that arrives while effects are performed waits for its turn, so that a step is never entered twice.
 */
export class ClientHost {
  readonly core: ClientCore;
  private readonly queue: ClientEvent[] = [];
  private running = false;
  private link: Link | undefined;
  private cancelWake: () => void = () => {};
  private ready = false;

  constructor(private readonly options: ClientHostOptions) {
    this.core = new ClientCore({ ...options, encodings: ENCODINGS, random: () => options.env.random() });
  }

  /** The connection, once the server has said welcome. */
  get connection(): RpcConnection | undefined {
    return this.ready ? this.link?.rpc : undefined;
  }

  dispatch(event: ClientEvent): void {
    this.queue.push(event);
    if (this.running) return;
    this.running = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift())
        for (const effect of this.core.step(this.options.env.nowMs(), next)) this.perform(effect);
    } finally {
      this.running = false;
    }
  }

  private perform(effect: ClientEffect): void {
    switch (effect.type) {
      case 'wake':
        this.cancelWake();
        this.cancelWake = this.options.env.at(effect.atMs, () => this.dispatch({ type: 'wake' }));
        return;
      case 'dial':
        this.dial(effect.connection, effect.address);
        return;
      case 'hangUp':
        if (this.link?.number === effect.connection) this.hangUp(this.link);
        return;
      case 'stateChanged':
        this.entered(effect.state);
        return this.options.onEffect(effect);
      case 'changed':
      case 'temporary':
      case 'subscriberFailed':
      case 'configChanged':
      case 'watchFailed':
      case 'settled':
      case 'keep':
      case 'keepServers':
      case 'log':
        return this.options.onEffect(effect);
      default:
        if (this.link?.number === effect.connection && this.link.rpc) this.send(this.link, this.link.rpc, effect);
    }
  }

  private entered(state: ClientState): void {
    this.ready = state === 'ready';
    if (state === 'closed') this.cancelWake();
  }

  private dial(connection: number, address: string): void {
    const link: Link = { number: connection, streams: new Map(), acks: [] };
    this.link = link;
    this.open(address).then(
      (rpc) => {
        if (this.link !== link) return rpc.close();
        link.rpc = rpc;
        rpc.onClose((reason) => this.closed(link, reason));
        this.dispatch({ type: 'connected', connection });
      },
      (error: unknown) => this.closed(link, error),
    );
  }

  private async open(address: string): Promise<RpcConnection> {
    const { tls, dialTimeoutMs } = this.options;
    return RpcConnection.connect({
      ...parseAddress(address),
      connectTimeoutMs: dialTimeoutMs,
      ...(tls === undefined ? {} : { tls }),
    });
  }

  private closed(link: Link, reason: unknown): void {
    if (this.link !== link) return;
    this.link = undefined;
    this.dispatch({ type: 'disconnected', connection: link.number, message: messageOf(reason) });
  }

  private hangUp(link: Link): void {
    this.link = undefined;
    link.rpc?.close();
  }

  private send(
    link: Link,
    rpc: RpcConnection,
    effect: Extract<ClientEffect, { type: 'hello' | 'request' | 'subscribe' | 'watch' | 'ack' }>,
  ): void {
    const { connection } = effect;
    switch (effect.type) {
      case 'hello':
        rpc.stream('registry.hello', effect.hello, {
          next: (notice) => this.dispatch({ type: 'notice', connection, notice: notice as Notice }),
          error: (error) => this.dispatch({ type: 'failed', connection, requestId: 0, failure: toFailure(error) }),
          complete: () => this.dispatch({ type: 'failed', connection, requestId: 0, failure: ENDED }),
        });
        return;
      case 'subscribe':
      case 'watch': {
        const { subscriptionId } = effect.payload;
        const failed = (given: Failure): void => {
          link.streams.delete(subscriptionId);
          this.dispatch({ type: 'pushFailed', connection, subscriptionId, failure: given });
        };
        const told = (item: unknown): ClientEvent =>
          effect.type === 'watch'
            ? { type: 'config', connection, subscriptionId, config: item as ConfigPush }
            : { type: 'push', connection, subscriptionId, push: item as Push };
        const stop = rpc.stream(`registry.${effect.type}`, effect.payload, {
          next: (item) => this.dispatch(told(readable(item))),
          error: (error) => failed(toFailure(error)),
          complete: () => failed(ENDED),
        });
        link.streams.set(subscriptionId, stop);
        return;
      }
      case 'request':
        if (effect.pattern === 'registry.unsubscribe') this.stopListening(link, effect.payload);
        this.request(rpc, effect);
        return;
      case 'ack':
        this.acknowledge(link, rpc, effect);
    }
  }

  /**
   * Behind all pushes that are there to be read, of whatever client in this process: nobody waits for it, and who reads
   * more slowly than is pushed is not to ask for more first. Where something was refused, the list itself waits for it.
   */
  private acknowledge(link: Link, rpc: RpcConnection, ack: Ack): void {
    if (ack.refused) return sendAck(rpc, ack);
    link.acks.push(ack);
    if (link.acks.length > 1) return;
    readTurns.behind(() => {
      const { acks } = link;
      link.acks = [];
      for (const each of acks) sendAck(rpc, each);
    });
  }

  private stopListening(link: Link, payload: object): void {
    const { subscriptionId } = payload as { subscriptionId: string };
    link.streams.get(subscriptionId)?.();
    link.streams.delete(subscriptionId);
  }

  private request(rpc: RpcConnection, effect: ClientEffect & { type: 'request' }): void {
    const { connection, requestId, pattern, payload } = effect;
    // The core keeps the deadline; this one only bounds what is remembered of a request it has given up.
    rpc.request(pattern, payload, { timeoutMs: 2 * this.options.requestTimeoutMs }).then(
      (response) => this.dispatch({ type: 'response', connection, requestId, response }),
      (error: unknown) => this.dispatch({ type: 'failed', connection, requestId, failure: toFailure(error) }),
    );
  }
}

function sendAck(rpc: RpcConnection, { subscriptionId, version, refused }: Ack): void {
  rpc.emit('registry.ack', refused ? { subscriptionId, version, refused } : { subscriptionId, version });
}

const ENDED = failure('CONNECTION_CLOSED', 'The server ended the stream.');

/** The push that was sent compressed. What cannot be read is as malformed as any other, and judged by the core. */
function readable(push: unknown): unknown {
  try {
    return expanded(push);
  } catch {
    return undefined;
  }
}

function toFailure(error: unknown): Failure {
  return error instanceof RegistryError ? error.toFailure() : failure('INTERNAL', messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export type LogEntry = Omit<LogEffect, 'type'>;
