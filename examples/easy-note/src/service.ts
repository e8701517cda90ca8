import 'reflect-metadata';
import type { AddressInfo, Server } from 'node:net';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { RegistryModule } from '#nest';
import { drainMs, port, registrySeeds } from './settings.js';

/** The registry for a service: it is registered as soon as it listens, and leaves before it stops listening. */
export function registeredAs(dataId: string): DynamicModule {
  return RegistryModule.forRoot({ seeds: registrySeeds, appName: dataId, register: { dataId, weight: 10 }, drainMs });
}

/** Runs a Nest microservice. */
export async function runService(module: Type, dataId: string): Promise<void> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
    logger: ['error', 'warn'],
  });
  app.enableShutdownHooks();
  await app.listen();
  const address = app.unwrap<Server>().address() as AddressInfo;
  console.log(`${dataId} listens on 127.0.0.1:${address.port}`);
}
