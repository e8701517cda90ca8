import {
  ClientProxy,
  ClientTCP,
  type ReadPacket,
  type TcpClientOptions,
  type WritePacket,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import type { RegistryClient, Subscriber } from '#client';
import { RegistryError } from '#model';
import type { Balancer } from './balancing/balancer.js';
import { BALANCERS, type BalancerName } from './balancing/balancers.js';
import { type OutlierOptions, Outliers } from './balancing/outliers.js';
import { preferZone } from './balancing/zones.js';
import { type ServiceEndpoint, endpointsOf } from './service-endpoint.js';

export interface DiscoveredClientOptions {
  /** A connected client of the registry; the caller owns and closes it. */
  registry: RegistryClient;
  /** The service to call. */
  dataId: string;
  group?: string;
  instanceId?: string;
  /** Scheme of the endpoint URLs to use. Default `tcp`: Nest's TCP transport. */
  protocol?: string;
  /**
   * Whether a request that may already have reached a server may be sent again to another one. Default: never. What was
   * certainly not sent is always tried elsewhere.
   */
  isIdempotent?: (pattern: unknown, data: unknown) => boolean;
  /** Servers tried per request at most. Default 3. */
  attempts?: number;
  /** How requests are spread over the endpoints. Default `round-robin`, which is weighted. */
  balancer?: BalancerName | Balancer;
  /** By what requests belong together, for `consistent-hash`; those without a key go anywhere. */
  keyOf?: (pattern: unknown, data: unknown) => string | undefined;
  /** Endpoints published in this zone are preferred; others are used while there is none that works. */
  zone?: string;
  /** When an endpoint that fails is passed over, and for how long. */
  outliers?: OutlierOptions;
  /** How long the first request waits for the registry's first answer. Default 5,000. */
  readyTimeoutMs?: number;
  /** Passed to Nest's ClientTCP of each endpoint. */
  tcp?: Pick<NonNullable<TcpClientOptions['options']>, 'socketClass' | 'tlsOptions'>;
}

/**
 * A Nest ClientProxy whose addresses come from the registry: `send` and `emit` go to a live endpoint of the dataId. Use it
 * as `customClass` in `ClientsModule.registerAsync`. While no session server can be reached it goes on with what it knows.
 */
export class DiscoveredClient extends ClientProxy {
  private readonly options: DiscoveredClientOptions;
  private readonly balancer: Balancer;
  private readonly outliers: Outliers;
  private readonly connections = new Map<string, EndpointConnection>();
  private subscriber: Subscriber | undefined;
  private endpoints: ServiceEndpoint[] = [];
  private told = false;

  constructor(options: DiscoveredClientOptions) {
    super();
    this.options = options;
    const { balancer = 'round-robin' } = options;
    this.balancer = typeof balancer === 'string' ? BALANCERS[balancer](Math.random) : balancer;
    this.outliers = new Outliers(options.outliers);
    this.initializeSerializer(undefined);
    this.initializeDeserializer(undefined);
  }

  /** Resolves once the registry has told the endpoints. */
  async connect(): Promise<void> {
    if (!this.subscriber) {
      const { dataId, group, instanceId } = this.options;
      this.subscriber = this.options.registry.subscribe({
        dataId,
        ...(group === undefined ? {} : { group }),
        ...(instanceId === undefined ? {} : { instanceId }),
      });
      this.subscriber.on('change', () => this.refresh());
    }
    if (this.told) return;
    // An earlier life of the application has kept them on disk; the registry may be down.
    if (!this.subscriber.current().stale) await this.tellOf(this.subscriber);
    this.told = true;
    this.refresh();
  }

  private async tellOf(subscriber: Subscriber): Promise<void> {
    await withDeadline(subscriber.ready(), this.options.readyTimeoutMs ?? 5_000, this.options.dataId);
  }

  async close(): Promise<void> {
    await this.subscriber?.close();
    this.subscriber = undefined;
    this.told = false;
    for (const connection of this.connections.values()) connection.client.close();
    this.connections.clear();
    this.endpoints = [];
    this.outliers.retain([]);
    this.balancer.retain?.([]);
  }

  unwrap<T>(): T {
    return [...this.connections.values()].map((connection) => connection.client) as T;
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    let cancelled = false;
    let unsubscribe = (): void => {};
    const again = this.options.isIdempotent?.(packet.pattern, packet.data) ?? false;
    const tried = new Set<string>();
    const attempt = async (): Promise<void> => {
      const connection = await this.openAny(tried, packet);
      if (cancelled) return;
      let answered = false;
      connection.inFlight++;
      const finish = (): void => this.release(connection);
      const subscription = connection.client.send(packet.pattern, packet.data).subscribe({
        next: (response) => {
          answered = true;
          callback({ response });
        },
        complete: () => {
          finish();
          this.outliers.succeeded(connection.address);
          callback({ isDisposed: true });
        },
        error: (err: unknown) => {
          finish();
          if (isBroken(err)) this.outliers.failed(performance.now(), connection.address, false);
          else this.outliers.succeeded(connection.address);
          if (again && !answered && isBroken(err) && tried.size < this.attempts) attempt().catch(fail);
          else fail(err);
        },
      });
      unsubscribe = () => {
        if (!subscription.closed) finish();
        subscription.unsubscribe();
      };
    };
    const fail = (err: unknown): void => {
      if (!cancelled) callback({ err, isDisposed: true });
    };
    attempt().catch(fail);
    return () => {
      cancelled = true;
      unsubscribe();
    };
  }

  protected async dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    const connection = await this.openAny(new Set(), packet);
    connection.inFlight++;
    try {
      return (await firstValueFrom(connection.client.emit(packet.pattern, packet.data), {
        defaultValue: undefined,
      })) as T;
    } finally {
      this.release(connection);
    }
  }

  private get attempts(): number {
    return this.options.attempts ?? 3;
  }

  /** An open connection to an endpoint not yet tried. Nothing has been sent when this throws. */
  private async openAny(tried: Set<string>, packet: ReadPacket): Promise<EndpointConnection> {
    let lastError: unknown;
    while (tried.size < this.attempts) {
      const endpoint = this.pick(tried, packet);
      if (!endpoint) break;
      tried.add(endpoint.address);
      const connection = this.connectionTo(endpoint);
      try {
        await connection.client.connect();
        return connection;
      } catch (error) {
        lastError = error;
        this.outliers.failed(performance.now(), endpoint.address, true);
        this.drop(endpoint.address);
      }
    }
    throw new RegistryError('NO_ENDPOINT', `No endpoint of ${this.options.dataId} can be reached.`, {
      cause: lastError,
    });
  }

  private pick(tried: Set<string>, { pattern, data }: ReadPacket): ServiceEndpoint | undefined {
    const isFresh = ({ address }: ServiceEndpoint): boolean => !tried.has(address);
    const healthy = this.outliers.healthy(performance.now(), this.endpoints).filter(isFresh);
    const candidates = preferZone(healthy.length > 0 ? healthy : this.endpoints.filter(isFresh), this.options.zone);
    const key = this.options.keyOf?.(pattern, data);
    return this.balancer.pick(candidates, {
      ...(key === undefined ? {} : { key }),
      inFlight: (address) => this.connections.get(address)?.inFlight ?? 0,
    });
  }

  private connectionTo(endpoint: ServiceEndpoint): EndpointConnection {
    let connection = this.connections.get(endpoint.address);
    if (!connection) {
      const client = new EndpointClient({ host: endpoint.host, port: endpoint.port, ...this.options.tcp });
      connection = { address: endpoint.address, client, inFlight: 0, leaving: false };
      this.connections.set(endpoint.address, connection);
    }
    return connection;
  }

  private refresh(): void {
    if (!this.subscriber) return;
    this.endpoints = endpointsOf(this.subscriber.current().publishers, this.options.protocol ?? 'tcp');
    this.balancer.retain?.(this.endpoints);
    this.outliers.retain(this.endpoints);
    const addresses = new Set(this.endpoints.map((endpoint) => endpoint.address));
    for (const address of this.connections.keys()) if (!addresses.has(address)) this.drop(address);
  }

  /** Takes no more requests over this connection; closes it when the last one in flight has ended. */
  private drop(address: string): void {
    const connection = this.connections.get(address);
    if (!connection) return;
    this.connections.delete(address);
    connection.leaving = true;
    if (connection.inFlight === 0) connection.client.close();
  }

  private release(connection: EndpointConnection): void {
    connection.inFlight--;
    if (connection.leaving && connection.inFlight === 0) connection.client.close();
  }
}

/** A broken connection fails its requests, and they are retried or their callers told; it is no news to the log. */
class EndpointClient extends ClientTCP {
  override handleError(): void {}
}

interface EndpointConnection {
  address: string;
  client: ClientTCP;
  inFlight: number;
  leaving: boolean;
}

/** True when the transport failed, as opposed to an answer of the service that says no. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.message === 'Connection closed' || 'code' in error;
}

async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, dataId: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RegistryError('DEADLINE_EXCEEDED', `The registry has not told the endpoints of ${dataId}.`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
