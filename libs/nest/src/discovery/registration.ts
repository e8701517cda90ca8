import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { Subscription } from 'rxjs';
import { RegistryClient, formatEndpoint } from '#client';
import { RegistryError } from '#model';

/** What an application publishes of itself, by itself, for as long as it listens. */
export interface RegistrationOptions {
  /** The name by which others find it. */
  dataId: string;
  group?: string;
  instanceId?: string;
  zone?: string;
  /** Which of the application's servers: that of its microservice, or that of HTTP. Default: the first that listens. */
  server?: 'rpc' | 'http';
  /** The scheme of the URL. Default `tcp` for `rpc` and `http` for `http`. */
  protocol?: string;
  /** The address told to others. Needed where the application listens on every interface, since none of them is guessed. */
  host?: string;
  /** The port told to others. Default: the one that it listens on. */
  port?: number;
  weight?: number;
  version?: string;
  parameters?: Record<string, string>;
  attributes?: Record<string, unknown>;
}

export interface LifecycleOptions {
  register: readonly RegistrationOptions[];
  drainMs: number;
}

export const LIFECYCLE = Symbol('RegistryLifecycleOptions');

/** Whatever the servers do, an application that is to stop waits no longer than this to be taken out of the registry. */
const WITHDRAW_MS = 2_000;
const EVERY_INTERFACE = new Set(['0.0.0.0', '::']);

/**
 * Publishes the application once it listens, and takes it away before it stops listening, as Kitex does: first nobody is
 * told to call it any more, then those who were told have a while to hear of it and to finish, then it closes.
 */
@Injectable()
export class Registration implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private readonly listening: Subscription[] = [];
  private readonly begun = new Set<RegistrationOptions>();
  private readonly published = new Set<RegistrationOptions>();
  private isLeaving = false;

  constructor(
    @Inject(RegistryClient) private readonly client: RegistryClient,
    @Inject(LIFECYCLE) private readonly options: LifecycleOptions,
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /** How many of the registrations the registry has. */
  get count(): { published: number; wanted: number } {
    return { published: this.published.size, wanted: this.options.register.length };
  }

  /** Of an HTTP application as of one of microservices alone; both begin to listen after this. */
  onApplicationBootstrap(): void {
    if (this.options.register.length === 0) return;
    this.listening.push(this.modules.getRpcTargetRegistry<object>().subscribe((target) => this.awaitRpc(target)));
    const http = this.http.httpAdapter?.getHttpServer() as HttpServer | undefined;
    if (http) this.awaitServer('http', http);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isLeaving = true;
    for (const subscription of this.listening.splice(0)) subscription.unsubscribe();
    const hadAny = this.client.publisherCount > 0;
    await Promise.race([this.withdraw(), pause(WITHDRAW_MS)]);
    this.published.clear();
    if (hadAny && this.options.drainMs > 0) await pause(this.options.drainMs);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }

  /** A registry that refuses, such as a read-only one, is told goodbye when the client closes; the drain is still due. */
  private async withdraw(): Promise<void> {
    try {
      await this.client.unpublishAll();
    } catch (error) {
      this.logger.warn(`What was registered is not taken away before the application stops: ${String(error)}`);
    }
  }

  /** A transport that listens on no port of its own has nothing to publish. */
  private awaitRpc(target: object): void {
    const { unwrap } = target as { unwrap?: () => unknown };
    try {
      const server = unwrap?.call(target) as Partial<Server> | undefined;
      if (typeof server?.address === 'function' && typeof server.once === 'function')
        this.awaitServer('rpc', server as Server);
    } catch {
      // One that makes its server only when it listens.
    }
  }

  private awaitServer(kind: 'rpc' | 'http', server: Server): void {
    const publish = (): void => this.publish(kind, server.address() as AddressInfo | string | null);
    if (server.listening) publish();
    else server.once('listening', publish);
  }

  private publish(kind: 'rpc' | 'http', address: AddressInfo | string | null): void {
    if (this.isLeaving || address === null || typeof address === 'string') return;
    for (const options of this.options.register) {
      if (options.server !== undefined && options.server !== kind) continue;
      if (this.begun.has(options)) continue;
      this.begun.add(options);
      this.publishOne(kind, options, address).catch((error: unknown) => {
        if (!this.isLeaving) this.logger.error(`${options.dataId} is not registered: ${String(error)}`);
      });
    }
  }

  private async publishOne(kind: 'rpc' | 'http', options: RegistrationOptions, address: AddressInfo): Promise<void> {
    const { dataId, group, instanceId, zone, attributes, weight, version, parameters } = options;
    const { protocol = kind === 'rpc' ? 'tcp' : 'http', host = hostOf(address, dataId), port = address.port } = options;
    const url = formatEndpoint({
      ...{ protocol, host, port },
      ...(weight === undefined ? {} : { weight }),
      ...(version === undefined ? {} : { version }),
      ...(parameters === undefined ? {} : { parameters }),
    });
    const publisher = await this.client.publish({
      ...{ dataId, data: [url] },
      ...(group === undefined ? {} : { group }),
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(zone === undefined ? {} : { zone }),
      ...(attributes === undefined ? {} : { attributes }),
    });
    // What was still on its way when the application began to leave must not stay for the whole of the drain.
    if (this.isLeaving) return publisher.unpublish();
    this.published.add(options);
    this.logger.log(`${dataId} is registered at ${url}`);
  }
}

/** Which of many interfaces others can reach is not for a library to guess. */
function hostOf({ address }: AddressInfo, dataId: string): string {
  if (!EVERY_INTERFACE.has(address)) return address;
  const message = `The application listens on every interface; register.host must say where others reach ${dataId}.`;
  throw new RegistryError('INVALID_CONFIGURATION', message);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
