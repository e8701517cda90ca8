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
import { type Endpoint, endpointsOf } from './endpoint.js';
import { WeightedRoundRobin } from './round-robin.js';

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
  /** How long an endpoint that refused a connection is passed over while others are left. Default 2,000. */
  ejectMs?: number;
  /** How long the first request waits for the registry's first answer. Default 5,000. */
  readyTimeoutMs?: number;
  /** Passed to Nest's ClientTCP of each endpoint. */
  tcp?: Pick<NonNullable<TcpClientOptions['options']>, 'socketClass' | 'tlsOptions'>;
}

/**
 * A Nest ClientProxy whose addresses come from the registry: `send` and `emit` go to a live endpoint of the dataId, by
 * weighted round robin. Use it as `customClass` in `ClientsModule.registerAsync`.
 */
export class DiscoveredClient extends ClientProxy {
  private readonly options: DiscoveredClientOptions;
  private readonly balancer = new WeightedRoundRobin();
  private readonly connections = new Map<string, EndpointConnection>();
  private readonly ejectedUntilMs = new Map<string, number>();
  private subscriber: Subscriber | undefined;
  private endpoints: Endpoint[] = [];
  private told = false;

  constructor(options: DiscoveredClientOptions) {
    super();
    this.options = options;
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
    await withDeadline(this.subscriber.ready(), this.options.readyTimeoutMs ?? 5_000, this.options.dataId);
    this.told = true;
    this.refresh();
  }

  async close(): Promise<void> {
    await this.subscriber?.close();
    this.subscriber = undefined;
    this.told = false;
    for (const connection of this.connections.values()) connection.client.close();
    this.connections.clear();
    this.ejectedUntilMs.clear();
    this.endpoints = [];
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
      const connection = await this.openAny(tried);
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
          callback({ isDisposed: true });
        },
        error: (err: unknown) => {
          finish();
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
    const connection = await this.openAny(new Set());
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
  private async openAny(tried: Set<string>): Promise<EndpointConnection> {
    let lastError: unknown;
    while (tried.size < this.attempts) {
      const endpoint = this.pick(tried);
      if (!endpoint) break;
      tried.add(endpoint.address);
      const connection = this.connectionTo(endpoint);
      try {
        await connection.client.connect();
        this.ejectedUntilMs.delete(endpoint.address);
        return connection;
      } catch (error) {
        lastError = error;
        this.eject(endpoint.address);
      }
    }
    throw new RegistryError('NO_ENDPOINT', `No endpoint of ${this.options.dataId} can be reached.`, {
      cause: lastError,
    });
  }

  private pick(tried: Set<string>): Endpoint | undefined {
    const fresh = this.endpoints.filter((endpoint) => !tried.has(endpoint.address));
    const nowMs = performance.now();
    const healthy = fresh.filter((endpoint) => (this.ejectedUntilMs.get(endpoint.address) ?? 0) <= nowMs);
    return this.balancer.pick(healthy.length > 0 ? healthy : fresh);
  }

  private eject(address: string): void {
    this.ejectedUntilMs.set(address, performance.now() + (this.options.ejectMs ?? 2_000));
    this.drop(address);
  }

  private connectionTo(endpoint: Endpoint): EndpointConnection {
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
    this.balancer.retain(this.endpoints);
    const addresses = new Set(this.endpoints.map((endpoint) => endpoint.address));
    for (const address of this.connections.keys()) if (!addresses.has(address)) this.drop(address);
    for (const address of this.ejectedUntilMs.keys()) if (!addresses.has(address)) this.ejectedUntilMs.delete(address);
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
