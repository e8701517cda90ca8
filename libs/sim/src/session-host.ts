import { type ConfigPush, type Core, type Failure, type Notice, type Push, type Random, randomId } from '#model';
import {
  type KeyCall,
  type KeyReply,
  type SessionCore,
  type SessionEffect,
  SessionKeyStore,
  type SessionEvent,
  type SessionOptions,
  type EdgeContext,
  type Parsed,
  parseClientMessage,
  parseLeasedId,
  parseLeasedPublish,
  presentFrame,
  presentReply,
} from '#registry';
import { decodeBody, encodeBody } from './bodies.js';
import { memberOf } from './data-host.js';
import type { Accept, Socket } from './network.js';
import { type HostObserver, ServerHost } from './server-host.js';
import type { World } from './world.js';

/** What a client writes on its connection: the natural form, with a number to answer to. */
export interface ClientMessage {
  id: number;
  pattern: string;
  payload: unknown;
}

/** What it reads: answers, the notices of its hello stream, and the items of its subscriptions' streams. */
export type ServerMessage =
  | { type: 'response'; id: number; response: unknown }
  | { type: 'failed'; id: number; failure: Failure }
  | { type: 'notice'; notice: Notice }
  | { type: 'push'; subscriptionId: string; push: Push }
  | { type: 'config'; subscriptionId: string; config: ConfigPush }
  | { type: 'pushFailed'; subscriptionId: string; failure: Failure };

export interface SessionHostOptions {
  makeCore: (options: SessionOptions) => Core<SessionEvent, SessionEffect>;
  metaAddresses: string[];
  zone: string;
  limits?: SessionOptions['limits'];
}

/** Of calls that are of no client connection. */
const NO_CONNECTION = 0;

interface Asked {
  id: number;
  pattern: string;
  single: boolean;
  subscriptionId?: string;
}

/** A session server's host: besides the links it holds the connections of clients. */
export class SessionHost extends ServerHost<SessionEvent, SessionEffect> {
  private clients = new Map<number, Socket>();
  private contexts = new Map<number, EdgeContext>();
  private ids: Random = this.world.fork();
  private asked = new Map<number, Asked>();
  private keyCalls = new Map<number, (reply: KeyReply) => void>();
  private readonly keyStores: SessionKeyStore[] = [];
  private nextConnection = 1;
  private nextRequest = 1;

  constructor(
    name: string,
    world: World,
    observer: HostObserver,
    private readonly settings: SessionHostOptions,
  ) {
    super(name, 'session', world, observer);
  }

  protected override makeCore(random: Random): Core<SessionEvent, SessionEffect> {
    this.clients = new Map();
    this.contexts = new Map();
    this.asked = new Map();
    const { makeCore, metaAddresses, zone, limits } = this.settings;
    return makeCore({
      self: memberOf(this, 'session', zone),
      metaAddresses,
      random,
      ...this.saved(),
      ...(limits ? { limits } : {}),
    });
  }

  protected override acceptOther(): Accept {
    const connection = this.nextConnection++;
    return {
      answer: null,
      accepted: (socket) => {
        this.clients.set(connection, socket);
        this.step({ type: 'clientConnected', connection, address: socket.peer.process.host });
      },
      handlers: {
        message: (message) => this.read(connection, message as ClientMessage),
        down: () => {
          this.clients.delete(connection);
          this.contexts.delete(connection);
          this.step({ type: 'clientDisconnected', connection });
        },
      },
    };
  }

  /** A planned stop: the clients go first. */
  drain(): void {
    this.process.deliver(() => {
      this.note('is drained');
      this.step({ type: 'drain', leaving: [] });
    });
  }

  /** Takes clients again, unless it stops already. */
  undrain(): void {
    this.process.deliver(() => this.step({ type: 'undrain' }));
  }

  /** The keyspace of etcd through this server. @param run lets time pass until it is answered */
  keyStore(run: (isAnswered: () => boolean) => void): SessionKeyStore {
    const core = (): SessionCore => this.core as SessionCore;
    const store = new SessionKeyStore({
      call: (call) => {
        let reply: KeyReply | undefined;
        this.callKeys(call, (answer) => (reply = answer));
        run(() => reply !== undefined);
        return Promise.resolve(reply!);
      },
      watch: (watchId, request) => this.process.deliver(() => this.step({ type: 'keyWatch', watchId, request })),
      unwatch: (watchId) => this.process.deliver(() => this.step({ type: 'keyUnwatch', watchId })),
      requestProgress: (watchId) => this.process.deliver(() => this.step({ type: 'keyProgress', watchId })),
      status: () => core().keyStatus(),
    });
    this.keyStores.push(store);
    return store;
  }

  /** A call of the keyspace, as from an edge of this server. A server that dies answers that it is not known what was done. */
  callKeys(call: KeyCall, answered: (reply: KeyReply) => void): void {
    this.process.deliver(() => {
      const requestId = this.nextRequest++;
      this.keyCalls.set(requestId, answered);
      const request = { kind: 'keys' as const, call };
      this.step({ type: 'request', connection: NO_CONNECTION, requestId, wallMs: this.wallMs(), request });
    });
  }

  /** Whoever waits for an answer is told by its broken connection that it gets none. */
  protected override ended(): void {
    const calls = [...this.keyCalls.values()];
    this.keyCalls = new Map();
    for (const answered of calls) answered({ ok: false, code: 'OUTCOME_UNKNOWN' });
  }

  private contextOf(connection: number): EdgeContext {
    let context = this.contexts.get(connection);
    if (!context) {
      context = { encodeBody, makeRegisterId: () => randomId(this.ids) };
      this.contexts.set(connection, context);
    }
    return context;
  }

  private read(connection: number, { id, pattern, payload }: ClientMessage): void {
    const isStream = pattern === 'registry.subscribe' || pattern === 'registry.watch';
    const subscriptionId = isStream ? String((payload as { subscriptionId?: unknown }).subscriptionId) : undefined;
    const context = this.contextOf(connection);
    const parsed = parse(pattern, payload, context);
    const asked: Asked = {
      id,
      pattern,
      single: parsed.ok && parsed.single,
      ...(subscriptionId === undefined ? {} : { subscriptionId }),
    };
    if (!parsed.ok) return this.refuse(connection, asked, parsed.failure);
    if (parsed.request.kind === 'hello') context.zone = parsed.request.zone;
    const requestId = this.nextRequest++;
    this.asked.set(requestId, asked);
    this.step({ type: 'request', connection, requestId, wallMs: this.wallMs(), request: parsed.request });
  }

  protected override performOwn(effect: SessionEffect): void {
    switch (effect.type) {
      case 'keyWatch':
        for (const store of this.keyStores) store.told(effect.watchId, effect.event);
        return;
      case 'reply': {
        const keyCall = this.keyCalls.get(effect.requestId);
        if (keyCall) {
          this.keyCalls.delete(effect.requestId);
          return keyCall(effect.reply.kind === 'keys' ? effect.reply.reply : { ok: false, code: 'INTERNAL' });
        }
        const asked = this.take(effect.requestId);
        if (asked.pattern === 'registry.ack' || asked.pattern === 'registry.hello') return;
        if (asked.subscriptionId !== undefined) return;
        const response = presentReply(effect.reply, asked.single, decodeBody);
        return this.write(effect.connection, { type: 'response', id: asked.id, response });
      }
      case 'fail': {
        const keyCall = this.keyCalls.get(effect.requestId);
        this.keyCalls.delete(effect.requestId);
        if (keyCall) return keyCall({ ok: false, code: 'UNAVAILABLE' });
        return this.refuse(effect.connection, this.take(effect.requestId), effect.failure);
      }
      case 'push': {
        const { connection, subscriptionId, frame } = effect;
        return this.write(connection, { type: 'push', subscriptionId, push: presentFrame(frame, decodeBody) });
      }
      case 'config': {
        const { connection, subscriptionId, frame } = effect;
        return this.write(connection, { type: 'config', subscriptionId, config: frame });
      }
      case 'notice':
        return this.write(effect.connection, { type: 'notice', notice: effect.notice });
      case 'closeClient':
        return this.clients.get(effect.connection)?.close(effect.reason);
      case 'drained':
        return this.stop();
      default:
        throw new Error(`Unknown effect of session: ${effect.type}`);
    }
  }

  private refuse(connection: number, asked: Asked, failure: Failure): void {
    if (asked.pattern === 'registry.ack') return;
    if (asked.subscriptionId === undefined) this.write(connection, { type: 'failed', id: asked.id, failure });
    else this.write(connection, { type: 'pushFailed', subscriptionId: asked.subscriptionId, failure });
  }

  /** Exactly one answer per request is part of the contract. */
  private take(requestId: number): Asked {
    const asked = this.asked.get(requestId);
    if (!asked) throw new Error(`${this.name} answered request ${requestId} twice, or never got it.`);
    this.asked.delete(requestId);
    return asked;
  }

  private write(connection: number, message: ServerMessage): void {
    this.clients.get(connection)?.send(message);
  }
}

/** What comes over HTTP has patterns of its own here; the rest of the edge is the real one. */
function parse(pattern: string, payload: unknown, context: EdgeContext): Parsed {
  const { registerId } = (payload ?? {}) as { registerId?: unknown };
  if (pattern === 'http.publish') return parseLeasedPublish(payload, context);
  if (pattern === 'http.renew') return parseLeasedId(String(registerId), 'renew');
  if (pattern === 'http.unpublish') return parseLeasedId(String(registerId), 'leasedUnpublish');
  return parseClientMessage(pattern, payload, context);
}
