import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import {
  type ClientOperation,
  type ClientRequests,
  type Notice,
  type PublisherView,
  type Push,
  type RegistryError,
} from '#model';
import { FramedSocket, isRequestPacket } from '#wire';

/** What survives a server: several fake sessions may share one. */
export class FakeRegistry {
  readonly publications = new Map<string, { operation: ClientOperation & { op: 'publish' }; connection: FakePeer }>();
  readonly sessions = new Set<FakeSession>();
  sequence = 0;

  list(dataId: string): PublisherView[] {
    return [...this.publications.values()]
      .filter(({ operation }) => operation.dataId === dataId)
      .map(({ operation }) => ({
        registerId: String(operation.registerId),
        zone: operation.zone ?? '',
        appName: operation.appName ?? '',
        registerTimestamp: operation.registerTimestamp ?? 0,
        data: operation.data,
      }));
  }

  snapshot(dataId: string): Push {
    const version = `1.${this.sequence}`;
    return { type: 'snapshot', dataInfoId: dataId, clusterId: 'c1', version, publishers: this.list(dataId) };
  }

  changed(dataId: string): void {
    this.sequence++;
    for (const session of this.sessions) session.push(dataId);
  }
}

interface FakePeer {
  framed: FramedSocket;
  socket: Socket;
  hello?: unknown;
  subscriptions: Map<string, { requestId: number | string; dataId: string }>;
}

/** A session server of a hundred lines, in process, speaking real frames: just enough to be a client's other end. */
export class FakeSession {
  readonly received: { pattern: string; data: unknown }[] = [];
  readonly peers = new Set<FakePeer>();
  /** Patterns answered with this error instead. */
  readonly refusals = new Map<string, RegistryError>();
  /** Patterns left without an answer. */
  readonly silent = new Set<string>();
  private server: Server | undefined;
  private port = 0;

  constructor(readonly registry = new FakeRegistry()) {}

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async listen(): Promise<this> {
    const server = createServer((socket) => this.accept(socket));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.registry.sessions.add(this);
    return this;
  }

  /** Dies as a killed process does. */
  async kill(): Promise<void> {
    this.registry.sessions.delete(this);
    const server = this.server;
    if (!server) return;
    this.server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const peer of this.peers) peer.socket.resetAndDestroy();
    await closed;
  }

  count(pattern: string): number {
    return this.received.filter((packet) => packet.pattern === pattern).length;
  }

  notify(notice: Notice): void {
    for (const peer of this.peers) if (peer.hello !== undefined) peer.framed.send({ id: peer.hello, response: notice });
  }

  push(dataId: string): void {
    for (const peer of this.peers)
      for (const subscription of peer.subscriptions.values())
        if (subscription.dataId === dataId)
          peer.framed.send({ id: subscription.requestId, response: this.registry.snapshot(dataId) });
  }

  private accept(socket: Socket): void {
    const framed = new FramedSocket(socket, {
      onMessage: (message) => {
        if (isRequestPacket(message)) this.handle(peer, message as { pattern: string; data: unknown; id?: number });
      },
      onFault: (error) => framed.abort(error),
    });
    const peer: FakePeer = { framed, socket, subscriptions: new Map() };
    this.peers.add(peer);
    socket.on('data', (chunk) => framed.receive(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.peers.delete(peer));
  }

  private handle(peer: FakePeer, packet: { pattern: string; data: unknown; id?: number }): void {
    const { pattern, data, id } = packet;
    this.received.push({ pattern, data });
    if (id === undefined || this.silent.has(pattern)) return;
    const refusal = this.refusals.get(pattern);
    if (refusal) return peer.framed.send({ id, err: refusal.toFailure(), isDisposed: true });
    switch (pattern) {
      case 'registry.hello':
        peer.hello = id;
        return peer.framed.send({ id, response: this.welcome() });
      case 'registry.subscribe': {
        const { subscriptionId, dataId } = data as ClientRequests['registry.subscribe']['request'];
        peer.subscriptions.set(subscriptionId, { requestId: id, dataId });
        return peer.framed.send({ id, response: this.registry.snapshot(dataId) });
      }
      default:
        return peer.framed.send({ id, response: this.answer(peer, pattern, data), isDisposed: true });
    }
  }

  private answer(peer: FakePeer, pattern: string, data: unknown): unknown {
    switch (pattern) {
      case 'registry.apply': {
        const { operations } = data as ClientRequests['registry.apply']['request'];
        const results = operations.map((operation) => this.apply(peer, operation));
        for (const dataId of new Set(operations.map((operation) => operation.dataId))) this.registry.changed(dataId);
        return { results };
      }
      case 'registry.unsubscribe':
        peer.subscriptions.delete((data as { subscriptionId: string }).subscriptionId);
        return {};
      case 'registry.query': {
        const { dataId } = data as { dataId: string };
        return { ...this.registry.snapshot(dataId), type: undefined };
      }
      case 'registry.goodbye':
        for (const [registerId, { operation, connection }] of this.registry.publications)
          if (connection === peer) {
            this.registry.publications.delete(registerId);
            this.registry.changed(operation.dataId);
          }
        return {};
      default:
        return {};
    }
  }

  private apply(peer: FakePeer, operation: ClientOperation): object {
    const registerId = String(operation.registerId);
    if (operation.op === 'publish') this.registry.publications.set(registerId, { operation, connection: peer });
    else this.registry.publications.delete(registerId);
    return { status: 'stored', registerId, dataInfoId: operation.dataId, version: `1.${this.registry.sequence}` };
  }

  private welcome(): Notice {
    return {
      type: 'welcome',
      protocol: 1,
      clusterId: 'c1',
      session: this.address,
      heartbeatMs: 200,
      idleTimeoutMs: 10_000,
      sessions: [...this.registry.sessions].map((session) => session.address),
    };
  }
}
