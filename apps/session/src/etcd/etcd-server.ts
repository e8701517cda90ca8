import { type AddressInfo, type Socket, createServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ServerGrpc } from '@nestjs/microservices';
import { LISTEN_BACKLOG } from '#nest';
import type { OpenStreams } from './open-streams.js';
import { PACKAGES, loadProtos } from './protos.js';

export interface EtcdServerOptions {
  host: string;
  /** 0 lets the system choose; see `port`. */
  port: number;
  /** Above it newcomers are closed without a word, and go to another server. */
  maxConnections: number;
  /** A client that has vanished, or never was one, is noticed within twice so long. */
  keepaliveMs?: number;
}

/** What etcd takes in one request, and what gRPC may need around it: whatever is larger is not even read. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

/** Calls of one connection at a time; a client waits with those above it. A watch or a keepalive of etcd is one for all. */
const MAX_CALLS_PER_CONNECTION = 1_000;

const KEEPALIVE_MS = 20_000;

/** How long calls that are under way may take when the server goes. */
const DRAIN_MS = 1_000;

/**
 * Nest's gRPC server, on a port that it opens itself, so that connections are counted, any port may be had, and what is served is
 * known before the first client comes.
 */
export class EtcdServer extends ServerGrpc {
  private readonly listener = createServer({ noDelay: true }, (socket) => this.take(socket));
  private injector: ReturnType<Server['createConnectionInjector']> | undefined;

  constructor(
    private readonly own: EtcdServerOptions,
    private readonly streams: OpenStreams,
  ) {
    super({ package: PACKAGES, packageDefinition: loadProtos() });
    this.listener.maxConnections = own.maxConnections;
  }

  /** Where it listens. */
  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  override async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      this.grpcClient = await this.createClient();
      await this.bindEvents();
      await this.open();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  override createClient(): Promise<Server> {
    const { keepaliveMs = KEEPALIVE_MS } = this.own;
    const server = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_concurrent_streams': MAX_CALLS_PER_CONNECTION,
      'grpc.enable_channelz': 0,
      'grpc.keepalive_time_ms': keepaliveMs,
      'grpc.keepalive_timeout_ms': keepaliveMs,
    });
    this.injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    return Promise.resolve(server);
  }

  /** Takes no more clients, and has those that are there go elsewhere: their streams end, and calls that are under way are answered. */
  drain(): void {
    this.listener.close();
    this.streams.end();
    this.injector?.drain(DRAIN_MS);
  }

  override async close(): Promise<void> {
    this.drain();
    await super.close();
  }

  private take(socket: Socket): void {
    // Whoever breaks off says nothing by that.
    socket.on('error', () => {});
    this.injector?.injectConnection(socket);
  }

  private open(): Promise<void> {
    const { host, port } = this.own;
    return new Promise((resolve, reject) => {
      this.listener.once('error', reject);
      this.listener.listen({ host, port, backlog: LISTEN_BACKLOG }, () => {
        this.listener.off('error', reject);
        resolve();
      });
    });
  }
}
