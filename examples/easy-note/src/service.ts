import 'reflect-metadata';
import type { AddressInfo, Server } from 'node:net';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { RegistryClient } from '#client';
import { port } from './settings.js';

/** Runs a Nest microservice and registers it once it listens; RegistryModule removes it before it stops listening. */
export async function runService(module: Type, dataId: string): Promise<void> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
    logger: ['error', 'warn'],
  });
  app.enableShutdownHooks();
  await app.listen();
  const address = app.unwrap<Server>().address() as AddressInfo;
  await app.get(RegistryClient).publish({ dataId, data: [`tcp://127.0.0.1:${address.port}`] });
  console.log(`${dataId} listens on 127.0.0.1:${address.port} and is registered`);
}
