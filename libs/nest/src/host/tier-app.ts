import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { type ArgumentsHost, type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy, MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import type { Metric } from 'prom-client';
import { type About, CODES, type Failure, LIMITS, failure, isPlainObject } from '#model';
import { AboutModule, tellingOf } from '../about/about.module.js';
import { AdminGuard } from '../admin/admin.guard.js';
import type { AdminTokens } from '../admin/tokens.js';
import { formatAddress } from '../config/address.js';
import type { Advertised } from '../config/advertised.js';
import type { Config } from '../config/load.js';
import { HealthModule } from '../health/health.module.js';
import { probesOf, probesOfAll } from '../health/probes.js';
import { type CheckedHost, ServerHealth } from '../health/server-health.js';
import type { LinkAcceptor } from '../links/links.js';
import { HttpTally } from '../metrics/http-tally.js';
import { logMetric } from '../metrics/log-metrics.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { ApiDocument, type ApiInfo } from '../openapi/api-document.js';
import { OpenApiModule } from '../openapi/openapi.module.js';
import { processMetrics } from '../metrics/process-metrics.js';
import { serverMetrics } from '../metrics/server-metrics.js';
import { REQUEST_ID_HEADER, requestBehind, requestIdOf } from '../requests/request-id.js';
import { type AdminRequests, asked, logRequests } from '../requests/request-log.js';
import { LISTEN_BACKLOG } from '../transport/listen-backlog.js';
import { RpcErrorFilter } from '../transport/rpc-error.filter.js';
import type { RollcallContext } from '../transport/rollcall-context.js';
import { RollcallServer } from '../transport/rollcall-server.js';
import { OwnPorts, type Worker, nameWorker } from '../workers/own-ports.js';
import type { Logger } from './logger.js';
import { NestLogger } from './nest-logger.js';
import { stopDelayOf } from './stop-delay.js';

/** The brain of a tier in its host. */
export interface TierHost extends CheckedHost {
  /** Takes the links that other servers open on the tier's RPC port. */
  readonly acceptor: LinkAcceptor;
  /** Of the process that runs now, as far as it has any. */
  identity(): Pick<About, 'incarnation' | 'clusterId'>;
  /** @param advertised where others reach the tier, which listens by now */
  start(advertised: { address: string; httpAddress: string }): void | Promise<void>;
  /**
   * Sends those elsewhere whom the tier serves; resolves when that is done, or takes too long.
   * @param leaving addresses of servers that go as well
   */
  drain?(leaving: readonly string[]): Promise<void>;
  /** Leaves the cluster. */
  stop(): void;
  /** Closes the links. */
  close(): Promise<void>;
}

/** Another transport that is served beside RPC and HTTP, for clients with a protocol of their own. */
export interface TierEdge {
  strategy: CustomTransportStrategy;
  /** Takes no more clients, and has those that are there go elsewhere. */
  drain(): void;
}

export interface TierAppOptions {
  config: Pick<
    Advertised<Config>,
    'tier' | 'cluster' | 'host' | 'advertisedHost' | 'httpPort' | 'rpcPort' | 'stopDelayMs'
  >;
  /** The highest that this server supports. */
  featureLevel: number;
  logger: Logger;
  host: TierHost;
  /** Where it shares the ports of the settings with others. */
  worker?: Worker;
  /** Who may do what {@link AdminGuard} guards. */
  adminTokens: AdminTokens;
  /** What Nest takes over RPC is the protocol of clients, with nothing in it for admins. */
  rpcIsForClients?: boolean;
  /** How long its drain may take. */
  drainMs?: number;
  /** RPC connections, above which newcomers are refused before they have said anything. */
  maxConnections?: number;
  /** What was opened for the tier, such as its folder: closed last, also when the start fails. */
  resource: { close(): Promise<void> };
  imports?: DynamicModule['imports'];
  controllers?: DynamicModule['controllers'];
  providers?: DynamicModule['providers'];
  edges?: readonly TierEdge[];
  /** What else the server says of itself, once it listens. */
  about?(): Pick<About, 'etcdAddress'>;
  /** Takes what comes over RPC too often to go through Nest. */
  accept?(server: RollcallServer): void;
  /** What people are told of its routes. */
  api: ApiInfo;
  /** Those of the tier, beside those that all have. */
  metrics: readonly Metric[];
}

/** A tier that listens: RPC over {@link RollcallServer}, and HTTP over Fastify with `/health`. */
export interface RunningTier {
  /** Where RPC and HTTP listen, as `host:port`. */
  rpcAddress: string;
  httpAddress: string;
  /** Where others reach it over RPC. */
  advertisedAddress: string;
  /** Resolves once the tier serves. */
  ready(): Promise<void>;
  /** Says that it is not ready any more, and resolves, while it still serves, when whoever asks has had the time to see it. */
  announceStop(): Promise<void>;
  /** That, and its drain, included. `leaving` are addresses of servers that go as well. */
  close(leaving?: readonly string[]): Promise<void>;
  /** How much longer than other servers this one may take to close. */
  drainMs: number;
}

const READY_POLL_MS = 10;

@Module({})
class TierModule {}

/**
 * Starts a tier. RPC listens before HTTP does, so that what answers `/health/ready` over HTTP can be reached over RPC
 * too. Throws what listening throws (EADDRINUSE and the like), with nothing left listening or open.
 */
export async function startTierApp(options: TierAppOptions): Promise<RunningTier> {
  const { config, logger, host, resource, drainMs = 0, edges = [] } = options;
  const { maxConnections, worker } = options;
  const stopDelayMs = stopDelayOf(config);
  const health = new ServerHealth(host);
  const server = new RollcallServer({
    host: config.host,
    port: config.rpcPort,
    ...(maxConnections === undefined ? {} : { maxConnections }),
    report: {
      refused: (remote, { code, message }) => logger.warn('connection-refused', { remote, code, message }),
      failed: (error) => logger.error('request-failed', { error }),
    },
  });
  let app: NestFastifyApplication | undefined;
  let own: OwnPorts | undefined;
  let advertised = { address: '', httpAddress: '' };
  const about = tellingOf(options, () => ({ ...advertised, ...options.about?.() }));
  const close = async (leaving: readonly string[] = []): Promise<void> => {
    for (const edge of edges) edge.drain();
    await host.drain?.(leaving);
    own?.close();
    host.stop();
    await host.close();
    await app?.close();
    await resource.close();
    logger.close();
  };
  let announced: Promise<void> | undefined;
  const announceStop = (): Promise<void> => (announced ??= saySoAndWait(health, stopDelayMs));
  const stop = async (leaving?: readonly string[]): Promise<void> => {
    await announceStop();
    await close(leaving);
  };
  try {
    host.acceptor.accept(server);
    options.accept?.(server);
    const adminRequests: AdminRequests = new WeakSet();
    app = await createApp(options, about, server, health, adminRequests);
    if (worker) nameWorker(app, worker);
    connect(app, server, options, adminRequests);
    await app.startAllMicroservices();
    await app.listen({ port: config.httpPort, host: config.host, backlog: LISTEN_BACKLOG });
    const rpcPort = server.address.port;
    const httpPort = (app.getHttpServer().address() as AddressInfo).port;
    if (worker) own = await OwnPorts.listen(config.host, worker, server, app);
    const [rpcAddress, httpAddress] = [formatAddress(config.host, rpcPort), formatAddress(config.host, httpPort)];
    advertised = {
      address: formatAddress(config.advertisedHost, own?.rpcPort ?? rpcPort),
      httpAddress: formatAddress(config.advertisedHost, own?.httpPort ?? httpPort),
    };
    logger.info('listening', { rpc: rpcAddress, http: httpAddress, ...(own ? { own: advertised } : {}) });
    await host.start(advertised);
    health.started();
    const ready = (): Promise<void> => untilReady(health);
    const tier = { rpcAddress, httpAddress, advertisedAddress: advertised.address };
    return { ...tier, ready, announceStop, close: stop, drainMs: stopDelayMs + drainMs };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

/**
 * A guard counts for what is connected after it. In the way of clients there is none: each would cost every request, and
 * what Nest takes over a connection would fall behind what goes past it.
 */
function connect(
  app: NestFastifyApplication,
  server: RollcallServer,
  options: TierAppOptions,
  adminRequests: AdminRequests,
): void {
  const guard = new AdminGuard(options.adminTokens, adminRequests);
  if (!options.rpcIsForClients) app.useGlobalGuards(guard);
  app.connectMicroservice<MicroserviceOptions>({ strategy: server }, { inheritAppConfig: true });
  for (const { strategy } of options.edges ?? [])
    app.connectMicroservice<MicroserviceOptions>({ strategy }, { inheritAppConfig: true });
  if (options.rpcIsForClients) app.useGlobalGuards(guard);
}

async function createApp(
  options: TierAppOptions,
  about: () => About,
  server: RollcallServer,
  health: ServerHealth,
  adminRequests: AdminRequests,
): Promise<NestFastifyApplication> {
  const { config, logger, imports, controllers, providers, metrics, worker, api } = options;
  const probes = worker ? probesOfAll(worker.siblings, health) : probesOf(health);
  const http = new HttpTally();
  const everywhere = [...serverMetrics({ server, http, health }), logMetric(config.tier, logger), ...processMetrics()];
  const measured = MetricsModule.forRoot([...metrics, ...everywhere], worker?.siblings);
  const document = new ApiDocument(api);
  const module: DynamicModule = {
    module: TierModule,
    imports: [
      ...[HealthModule.forRoot(probes), AboutModule.forRoot(about), OpenApiModule.forRoot(document), measured],
      ...(imports ?? []),
    ],
    controllers: controllers ?? [],
    providers: [{ provide: APP_FILTER, useValue: new RpcErrorFilter(reportTo(logger)) }, ...(providers ?? [])],
  };
  const adapter = new FastifyAdapter({
    bodyLimit: LIMITS.httpBodyBytes,
    // Clients of Eureka in Java ask for `apps/`.
    routerOptions: { maxParamLength: 3 * LIMITS.registerIdBytes, ignoreTrailingSlash: true },
    forceCloseConnections: true,
    genReqId: requestIdOf,
    ...badRequests,
  });
  http.watch(adapter.getInstance());
  logRequests(adapter.getInstance(), logger, adminRequests);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  document.of(app);
  return app;
}

/** A defect is told with what was asked, and the caller by which name to find it. */
function reportTo(logger: Logger): (error: unknown, host: ArgumentsHost) => Failure['details'] {
  return (error, host) => {
    if (host.getType() === 'http') {
      const request = host.switchToHttp().getRequest<FastifyRequest>();
      logger.error('request-failed', { ...asked(request), error });
      return { requestId: request.id };
    }
    const pattern = host.switchToRpc().getContext<Partial<RollcallContext> | undefined>()?.getPattern?.();
    const payload: unknown = host.switchToRpc().getData();
    logger.error('request-failed', { pattern, ...(isPlainObject(payload) ? requestBehind(payload) : {}), error });
    return undefined;
  };
}

/** What Fastify refuses before Nest sees it, in the one shape that errors have. */
const badRequests: Pick<FastifyServerOptions, 'frameworkErrors' | 'clientErrorHandler'> = {
  frameworkErrors: (error, request, reply: FastifyReply) => {
    const { code, message } = failure('BAD_REQUEST', error.message);
    void reply.header(REQUEST_ID_HEADER, request.id).status(CODES[code].http).send({ code, message });
  },
  clientErrorHandler: (error, socket) => {
    const { code, message } = failure('BAD_REQUEST', 'This is not an HTTP request that can be read.');
    const body = JSON.stringify({ code, message });
    if (socket.writable && (error as NodeJS.ErrnoException).code !== 'ECONNRESET')
      socket.write(
        `HTTP/1.1 ${CODES[code].http} Bad Request\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    socket.destroySoon();
  },
};

/** To a server that was not ready nobody is sent anyway. */
async function saySoAndWait(health: ServerHealth, delayMs: number): Promise<void> {
  const wasReady = health.isReady;
  health.stopping();
  if (wasReady && delayMs > 0) await setTimeout(delayMs);
}

async function untilReady(health: ServerHealth): Promise<void> {
  while (!health.isReady) await setTimeout(READY_POLL_MS);
}
