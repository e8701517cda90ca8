import 'reflect-metadata';
import { promisify } from 'node:util';
import {
  type ChannelOptions,
  type ClientDuplexStream,
  type ServiceError,
  credentials,
  loadPackageDefinition,
  status,
} from '@grpc/grpc-js';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { EtcdStore } from '#etcd';
import { EtcdServer, type EtcdServerOptions } from './etcd-server.js';
import { EtcdModule } from './etcd.module.js';
import type { EtcdMember } from './members.js';
import { OpenStreams } from './open-streams.js';
import { loadProtos } from './protos.js';

export interface Edge {
  server: EtcdServer;
  streams: OpenStreams;
  address: string;
  /** Fails where something was no client's fault. */
  close(): Promise<void>;
}

/** The edge alone, over a store that a test has made. */
export async function startEdge(
  store: EtcdStore,
  options: Partial<EtcdServerOptions> = {},
  members: EtcdMember[] = [],
): Promise<Edge> {
  const streams = new OpenStreams();
  const server = new EtcdServer({ host: '127.0.0.1', port: 0, maxConnections: 100, ...options }, streams);
  const defects: unknown[] = [];
  const module = EtcdModule.forRoot({
    ...{ store, streams },
    members: { list: () => Promise.resolve(members) },
    report: (error) => void defects.push(error),
  });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
    strategy: server,
    ...{ logger: false, abortOnError: false },
  });
  await app.listen();
  const close = async (): Promise<void> => {
    await app.close();
    if (defects.length > 0) throw new AggregateError(defects, 'The edge has defects.');
  };
  return { server, streams, address: `127.0.0.1:${server.port}`, close };
}

type Message = Record<string, unknown>;
type Unary = (message: Message, done: (error: ServiceError | null, answer: Message) => void) => void;
type Services = Record<string, Record<string, new (...args: unknown[]) => Record<string, unknown> & { close(): void }>>;

/** A client that sends just what it is told to, with messages as libs/etcd/proto has them. */
export class RawClient {
  private readonly services: Services;
  private readonly clients: { close(): void }[] = [];

  constructor(
    private readonly address: string,
    private readonly options: ChannelOptions = {},
  ) {
    this.services = loadPackageDefinition(loadProtos()) as unknown as Services;
  }

  /** @param path as `KV.Range`, or `v3lockpb.Lock.Lock` */
  call(path: string, message: Message = {}): Promise<Message> {
    const { client, method } = this.find(path);
    return promisify((client[method] as Unary).bind(client))(message);
  }

  stream(path: string): Stream {
    const { client, method } = this.find(path);
    return new Stream((client[method] as () => ClientDuplexStream<Message, Message>).call(client));
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  private find(path: string): { client: Record<string, unknown>; method: string } {
    const [method = '', service = '', from = 'etcdserverpb'] = path.split('.').toReversed();
    const client = new this.services[from]![service]!(this.address, credentials.createInsecure(), this.options);
    this.clients.push(client);
    return { client, method };
  }
}

/** A stream of which a test awaits what comes. */
export class Stream {
  private readonly come: Message[] = [];
  private waiting: (() => void) | undefined;
  /** Resolves with how the stream ends: the name of the code, and the message. */
  readonly ended: Promise<[keyof typeof status, string]>;

  constructor(private readonly call: ClientDuplexStream<Message, Message>) {
    call.on('data', (message: Message) => {
      this.come.push(message);
      this.waiting?.();
    });
    call.on('error', () => {});
    this.ended = new Promise((resolve) =>
      call.on('status', ({ code, details }) => resolve([status[code] as keyof typeof status, details])),
    );
  }

  send(message: Message): void {
    this.call.write(message);
  }

  async next(): Promise<Message> {
    while (this.come.length === 0) await new Promise<void>((resolve) => (this.waiting = resolve));
    return this.come.shift()!;
  }

  get hasMore(): boolean {
    return this.come.length > 0;
  }

  end(): void {
    this.call.end();
  }

  cancel(): void {
    this.call.cancel();
  }

  pause(): void {
    this.call.pause();
  }
}

/** The name of the code and the message of what a call fails with. */
export async function failureOf(answer: Promise<unknown>): Promise<[string, string]> {
  try {
    await answer;
    return ['OK', ''];
  } catch (error) {
    const { code, details } = error as ServiceError;
    return [status[code], details];
  }
}
