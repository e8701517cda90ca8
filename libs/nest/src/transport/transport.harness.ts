import { type INestMicroservice, Module, type Type } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { connect, type Socket } from 'node:net';
import { encodeFrame, FrameDecoder, unpack } from '#wire';
import { RollcallServer, type RollcallServerOptions } from './rollcall-server.js';
import { RpcErrorFilter } from './rpc-error.filter.js';

/** A real Nest microservice on a port of its own, for tests. */
export async function startServer(
  controllers: Type[],
  {
    beforeListen,
    ...options
  }: Partial<RollcallServerOptions> & { beforeListen?: (server: RollcallServer) => void } = {},
): Promise<{ app: INestMicroservice; server: RollcallServer; port: number }> {
  class TestModule {}
  Module({ controllers, providers: [{ provide: APP_FILTER, useClass: RpcErrorFilter }] })(TestModule);
  const server = new RollcallServer({ host: '127.0.0.1', port: 0, ...options });
  beforeListen?.(server);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(TestModule, {
    strategy: server,
    logger: false,
  });
  await app.listen();
  return { app, server, port: server.address.port };
}

/** A peer that may send anything and says what it got until it was closed. */
export class RawPeer {
  readonly received: unknown[] = [];
  readonly closed: Promise<void>;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    const decoder = new FrameDecoder();
    this.socket.on('data', (chunk) => {
      decoder.push(chunk, 0);
      for (let frame = decoder.next(); frame; frame = decoder.next()) this.received.push(unpack(frame));
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve());
    });
  }

  send(value: unknown): void {
    this.socket.write(encodeFrame(value));
  }
}

/** Resolves when `condition` holds; the test's own timeout is the deadline. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
