import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LIMITS } from '#model';
import { formatAddress } from '../config/address.js';
import type { Config } from '../config/load.js';
import { HealthModule, type Readiness } from '../health/health.module.js';
import type { LinkAcceptor } from '../links/links.js';
import { RpcErrorFilter } from '../transport/rpc-error.filter.js';
import type { RollcallServer } from '../transport/rollcall-server.js';
import type { Logger } from './logger.js';
import { NestLogger } from './nest-logger.js';

export interface TierAppOptions {
  config: Pick<Config, 'host' | 'advertisedHost' | 'httpPort' | 'rpcPort'>;
  logger: Logger;
  server: RollcallServer;
  /** Server-to-server links that this tier accepts on its RPC port. */
  links?: LinkAcceptor;
  readiness: () => Readiness;
  controllers?: DynamicModule['controllers'];
  providers?: DynamicModule['providers'];
}

/** A tier that listens: RPC over {@link RollcallServer}, and HTTP over Fastify with `/health`. */
export interface RunningTier {
  /** Where RPC and HTTP listen, as `host:port`. */
  rpcAddress: string;
  httpAddress: string;
  /** The same as others reach them. */
  advertised: { address: string; httpAddress: string };
  /** Resolves once the tier serves. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

const READY_POLL_MS = 10;

@Module({})
class TierModule {}

/**
 * Makes and starts a tier's Nest application. RPC listens before HTTP does, so that what answers `/health/ready` over
 * HTTP can be reached over RPC too. Throws what listening throws (EADDRINUSE and the like), with nothing left listening.
 */
export async function startTierApp(options: TierAppOptions): Promise<RunningTier> {
  const { config, logger, server, links, readiness } = options;
  const module: DynamicModule = {
    module: TierModule,
    imports: [HealthModule.forRoot(readiness)],
    controllers: options.controllers ?? [],
    providers: [{ provide: APP_FILTER, useClass: RpcErrorFilter }, ...(options.providers ?? [])],
  };
  const adapter = new FastifyAdapter({
    bodyLimit: LIMITS.httpBodyBytes,
    routerOptions: { maxParamLength: 3 * LIMITS.registerIdBytes },
    forceCloseConnections: true,
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  try {
    links?.accept(server);
    app.connectMicroservice<MicroserviceOptions>({ strategy: server }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.listen(config.httpPort, config.host);
  } catch (error) {
    await app.close().catch(() => {});
    throw error;
  }
  const rpcPort = server.address.port;
  const httpPort = (app.getHttpServer().address() as AddressInfo).port;
  const rpcAddress = formatAddress(config.host, rpcPort);
  const httpAddress = formatAddress(config.host, httpPort);
  logger.info('listening', { rpc: rpcAddress, http: httpAddress });
  return {
    rpcAddress,
    httpAddress,
    advertised: {
      address: formatAddress(config.advertisedHost, rpcPort),
      httpAddress: formatAddress(config.advertisedHost, httpPort),
    },
    ready: async () => {
      while (!readiness().ready) await setTimeout(READY_POLL_MS);
    },
    close: () => app.close(),
  };
}
