import type { DialFailure, Random } from '#model';
import type { VirtualClock } from './clock.js';
import { type Isolation, isolate } from './copy.js';
import type { SimProcess } from './process.js';

/** What a process does with one of its sockets. All of it runs inside the process. */
export interface SocketHandlers {
  message(message: unknown): void;
  /** The connection is over, by either side or by the network. Said once, and nothing after it. */
  down(reason: string): void;
}

export interface DialHandlers extends SocketHandlers {
  /** `answer` is what the listener said to the opening. */
  up(socket: Socket, answer: unknown): void;
  failed(reason: DialFailure, message: string, code?: string): void;
}

/** What a listener says to a dialler: its own opening and handlers, or why not. */
export type Accept =
  | { answer: unknown; handlers: SocketHandlers; accepted?: (socket: Socket) => void }
  | { rejected: string; code?: string };

export interface NetworkOptions {
  clock: VirtualClock;
  random: Random;
  isolation?: Isolation;
  /** A connection takes between these for each message; one message in fifty takes up to `spikeMs`. */
  minLatencyMs?: number;
  maxLatencyMs?: number;
  spikeMs?: number;
  dialTimeoutMs?: number;
  /** Sees every message at the moment it is handed to the network. */
  tap?: (message: Transit) => void;
}

/** A message on its way. `connection` is unique in the run. */
export interface Transit {
  from: string;
  to: string;
  connection: number;
  message: unknown;
}

interface Item {
  content:
    { kind: 'message'; message: unknown } | { kind: 'answer'; answer: unknown } | { kind: 'end'; reason: string };
  arrived: boolean;
}

/** One end of a connection, as its process holds it. */
export class Socket {
  open = true;
  handlers: SocketHandlers | undefined;
  /** What this end sent and the other has not received, in order. */
  readonly outgoing: Item[] = [];
  lastArrivalMs = 0;
  peer!: Socket;
  dial: DialHandlers | undefined;

  constructor(
    readonly connection: number,
    readonly process: SimProcess,
    private readonly network: SimNetwork,
  ) {}

  send(message: unknown): void {
    this.network.send(this, message);
  }

  /** Orderly: what was sent before still arrives. `down` follows on this side too. */
  close(reason: string): void {
    this.network.close(this, reason);
  }
}

/**
 * A network of TCP connections, seen from above the socket: each direction delivers in order, once, or not at all.
 * Nothing is lost on a connection that lives; a cut network holds what was sent, silently, until it heals (then it
 * comes late, or the connection breaks) or somebody hangs up. Hosts are named; the addresses they listen on are known
 * here.
 */
export class SimNetwork {
  private readonly listeners = new Map<string, { process: SimProcess; accept: (opening: unknown) => Accept }>();
  /** Which host an address belongs to, alive or not. */
  private readonly addresses = new Map<string, string>();
  private readonly sockets = new Set<Socket>();
  private readonly cuts = new Set<string>();
  /** Hosts that answer nothing at all, not even with a refusal. */
  private readonly vanished = new Set<string>();
  private connections = 0;
  /** Ends of connections whose peer was gone without a word. */
  halfOpen = 0;
  private readonly clock: VirtualClock;
  private readonly random: Random;
  private readonly options: Required<Omit<NetworkOptions, 'clock' | 'random' | 'tap'>>;
  private readonly tap: (message: Transit) => void;

  constructor(options: NetworkOptions) {
    const { clock, random, tap, ...rest } = options;
    this.clock = clock;
    this.random = random;
    this.tap = tap ?? (() => {});
    this.options = {
      isolation: 'copy',
      minLatencyMs: 0.05,
      maxLatencyMs: 1.5,
      spikeMs: 40,
      dialTimeoutMs: 3_000,
      ...rest,
    };
  }

  listen(address: string, process: SimProcess, accept: (opening: unknown) => Accept): void {
    this.addresses.set(address, process.host);
    this.listeners.set(address, { process, accept });
  }

  /** Ends in exactly one of `up` and `failed`. */
  dial(
    process: SimProcess,
    address: string,
    opening: unknown,
    handlers: DialHandlers,
    timeoutMs = this.options.dialTimeoutMs,
  ): void {
    const carried = isolate(opening, this.options.isolation);
    let over = false;
    const fail = (reason: DialFailure, message: string, code?: string): void =>
      process.deliver(() => {
        if (over) return;
        over = true;
        cancelTimeout();
        handlers.failed(reason, message, code);
      });
    let dialler: Socket | undefined;
    const cancelTimeout = this.clock.at(this.clock.nowMs() + timeoutMs, () => {
      if (over) return;
      fail('unreachable', `no answer from ${address} within ${timeoutMs} ms`);
      if (dialler) this.abandon(dialler, 'dial timed out');
    });
    this.after(() => {
      const host = this.addresses.get(address);
      if (host === undefined) return fail('refused', `nobody knows ${address}`);
      if (process.dead || this.vanished.has(host) || this.isCut(process.host, host) || this.isCut(host, process.host))
        return;
      const listener = this.listeners.get(address);
      if (!listener || listener.process.dead) return this.after(() => fail('refused', `nobody listens on ${address}`));
      const [near, far] = this.connect(process, listener.process);
      dialler = near;
      near.dial = {
        ...handlers,
        up: (socket, answer) => {
          if (over) return;
          over = true;
          cancelTimeout();
          handlers.up(socket, answer);
        },
        failed: fail,
        down: (reason) => {
          // A connection that breaks before the answer proves nothing; only that nobody listens does.
          if (!over) fail('unreachable', reason);
          else handlers.down(reason);
        },
      };
      near.handlers = near.dial;
      listener.process.accept(() => {
        if (!far.open) return;
        const accept = listener.accept(carried);
        if ('rejected' in accept) {
          far.open = false;
          this.abandon(near, undefined);
          this.after(() => fail('rejected', accept.rejected, accept.code));
          return;
        }
        far.handlers = accept.handlers;
        this.enqueue(far, { kind: 'answer', answer: isolate(accept.answer, this.options.isolation) });
        accept.accepted?.(far);
      });
    });
  }

  /** The host is gone from the network: nothing is answered, nothing refused, nobody told. */
  vanish(host: string): void {
    this.vanished.add(host);
  }

  reappear(host: string): void {
    this.vanished.delete(host);
  }

  /** What the kernel does with the sockets of a process that died; nothing, when the whole host went. */
  processDied(process: SimProcess): void {
    const silent = this.vanished.has(process.host);
    for (const [address, listener] of this.listeners) if (listener.process === process) this.listeners.delete(address);
    for (const socket of this.of((each) => each.process === process)) {
      if (!socket.open) continue;
      socket.open = false;
      if (silent) {
        if (socket.peer.open) this.halfOpen++;
        continue;
      }
      if (this.random() < 0.5) this.dropTail(socket);
      this.enqueue(socket, { kind: 'end', reason: 'peer closed the connection' });
    }
  }

  /** Cuts the way from `a` to `b`, and unless `oneWay` the way back. */
  cut(a: string, b: string, oneWay = false): void {
    this.cuts.add(way(a, b));
    if (!oneWay) this.cuts.add(way(b, a));
  }

  /** Mends every cut, or the one between two hosts. Each connection that was cut goes on late, or breaks. */
  heal(a?: string, b?: string): void {
    const mended = a !== undefined && b !== undefined ? [way(a, b), way(b, a)] : [...this.cuts];
    for (const cut of mended) {
      if (!this.cuts.delete(cut)) continue;
      for (const socket of this.of((each) => way(each.process.host, each.peer.process.host) === cut)) {
        if (!socket.open && socket.outgoing.length === 0) continue;
        if (socket.open && socket.peer.open && this.random() < 0.5) this.reset(socket);
        else this.after(() => this.drain(socket));
      }
    }
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(way(from, to));
  }

  get hasCuts(): boolean {
    return this.cuts.size > 0;
  }

  /** Breaks one random connection between two hosts, or any. False when there is none. */
  resetOne(hosts?: { a: string; b: string }): boolean {
    const live = this.of(
      (each) =>
        each.open &&
        each.peer.open &&
        each.dial !== undefined &&
        (!hosts ||
          (each.process.host === hosts.a && each.peer.process.host === hosts.b) ||
          (each.process.host === hosts.b && each.peer.process.host === hosts.a)),
    );
    const chosen = live[Math.floor(this.random() * live.length)];
    if (chosen) this.reset(chosen);
    return chosen !== undefined;
  }

  send(socket: Socket, message: unknown): void {
    if (!socket.open) return;
    const carried = isolate(message, this.options.isolation);
    this.tap({
      from: socket.process.host,
      to: socket.peer.process.host,
      connection: socket.connection,
      message: carried,
    });
    this.enqueue(socket, { kind: 'message', message: carried });
  }

  close(socket: Socket, reason: string): void {
    if (!socket.open) return;
    socket.open = false;
    this.enqueue(socket, { kind: 'end', reason: 'peer closed the connection' });
    socket.process.defer(() => socket.handlers?.down(reason));
  }

  /** A dialler that gave up: its own handlers hear nothing more, and the listener's side ends. */
  private abandon(socket: Socket, reason: string | undefined): void {
    socket.handlers = undefined;
    socket.dial = undefined;
    if (!socket.open) return;
    socket.open = false;
    if (reason !== undefined) this.enqueue(socket, { kind: 'end', reason });
    this.forgetIfOver(socket);
  }

  private reset(socket: Socket): void {
    for (const end of [socket, socket.peer]) this.dropTail(end);
    for (const end of [socket, socket.peer]) this.enqueue(end, { kind: 'end', reason: 'connection reset' });
    for (const end of [socket, socket.peer]) this.after(() => this.drain(end));
  }

  /** What is under way is lost from some point on: a prefix arrives, never a gap. */
  private dropTail(socket: Socket): void {
    socket.outgoing.splice(Math.floor(this.random() * (socket.outgoing.length + 1)));
  }

  private connect(dialler: SimProcess, listener: SimProcess): [Socket, Socket] {
    const connection = ++this.connections;
    const near = new Socket(connection, dialler, this);
    const far = new Socket(connection, listener, this);
    near.peer = far;
    far.peer = near;
    this.sockets.add(near).add(far);
    return [near, far];
  }

  private enqueue(socket: Socket, content: Item['content']): void {
    const item: Item = { content, arrived: false };
    socket.outgoing.push(item);
    socket.lastArrivalMs = Math.max(socket.lastArrivalMs, this.clock.nowMs() + this.latencyMs());
    this.clock.at(socket.lastArrivalMs, () => {
      item.arrived = true;
      this.drain(socket);
    });
  }

  /** Hands over what has arrived, in order, as far as the network lets it through. */
  private drain(from: Socket): void {
    const to = from.peer;
    while (from.outgoing[0]?.arrived && !this.isCut(from.process.host, to.process.host)) {
      const { content } = from.outgoing.shift()!;
      if (this.vanished.has(to.process.host)) continue;
      if (to.process.dead) {
        // The host is there and the process is not: its kernel answers with a reset.
        if (from.open && to.outgoing.length === 0) this.enqueue(to, { kind: 'end', reason: 'connection reset' });
        continue;
      }
      to.process.deliver(() => this.handOver(to, content));
    }
    this.forgetIfOver(from);
  }

  private forgetIfOver(socket: Socket): void {
    const { peer } = socket;
    if (socket.open || peer.open || socket.outgoing.length > 0 || peer.outgoing.length > 0) return;
    this.sockets.delete(socket);
    this.sockets.delete(peer);
  }

  private handOver(to: Socket, content: Item['content']): void {
    if (!to.open) return;
    if (content.kind === 'message') to.handlers?.message(content.message);
    else if (content.kind === 'answer') to.dial?.up(to, content.answer);
    else {
      to.open = false;
      to.handlers?.down(content.reason);
    }
  }

  private of(select: (socket: Socket) => boolean): Socket[] {
    return [...this.sockets].filter(select);
  }

  private after(run: () => void): void {
    this.clock.at(this.clock.nowMs() + this.latencyMs(), run);
  }

  private latencyMs(): number {
    const { minLatencyMs, maxLatencyMs, spikeMs } = this.options;
    const widest = this.random() < 0.02 ? Math.max(spikeMs, maxLatencyMs) : maxLatencyMs;
    return Math.round((minLatencyMs + this.random() * (widest - minLatencyMs)) * 1000) / 1000;
  }
}

function way(from: string, to: string): string {
  return `${from}>${to}`;
}
