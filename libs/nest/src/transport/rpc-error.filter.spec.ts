import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Logger,
  Module,
  Post,
  ServiceUnavailableException,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { MessagePattern, type MicroserviceOptions, RpcException } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { jest } from '@jest/globals';
import { failure, RegistryError } from '#model';
import { RpcConnection } from '#client';
import { RollcallServer } from './rollcall-server.js';
import { RpcErrorFilter } from './rpc-error.filter.js';

const ERRORS: Record<string, () => Error> = {
  'no-leader': () => new RegistryError('NO_LEADER', 'No leader.', { retryAfterMs: 1200, details: { slot: 3 } }),
  'not-ready': () => new RegistryError('NOT_READY'),
  stale: () => new RegistryError('STALE_REGISTRATION', undefined, { details: { held: [1, 2, 3] } }),
  bad: () => new BadRequestException('No scope.'),
  health: () => new ServiceUnavailableException({ status: 'error', error: { meta: 'gone' } }),
  rpc: () => new RpcException(failure('PENDING')),
  defect: () => new Error('a secret'),
};

@Controller()
class TestController {
  @Post('echo')
  echo(@Body() body: unknown): unknown {
    return body;
  }
}

// One route and one pattern for each error.
for (const [name, make] of Object.entries(ERRORS)) {
  const method = `throw-${name}`;
  const handler = (): never => {
    throw make();
  };
  Object.defineProperty(TestController.prototype, method, { value: handler, writable: true });
  const descriptor = Object.getOwnPropertyDescriptor(TestController.prototype, method)!;
  Get(`errors/${name}`)(TestController.prototype, method, descriptor);
  MessagePattern(name)(TestController.prototype, method, descriptor);
}

@Module({ controllers: [TestController], providers: [{ provide: APP_FILTER, useClass: RpcErrorFilter }] })
class TestModule {}

let app: NestFastifyApplication;
let rpc: RpcConnection;
const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);

beforeAll(async () => {
  const server = new RollcallServer({ host: '127.0.0.1', port: 0 });
  app = await NestFactory.create<NestFastifyApplication>(TestModule, new FastifyAdapter({ bodyLimit: 1000 }), {
    logger: false,
  });
  app.connectMicroservice<MicroserviceOptions>({ strategy: server }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.init();
  rpc = await RpcConnection.connect({ host: '127.0.0.1', port: server.address.port });
});

beforeEach(() => logged.mockClear());

afterAll(async () => {
  rpc.close();
  await app.close();
});

const get = (url: string): ReturnType<NestFastifyApplication['inject']> => app.inject({ method: 'GET', url });

describe('over HTTP', () => {
  it('an error is its code, with the status and the time to wait that go with it', async () => {
    const noLeader = await get('/errors/no-leader');
    expect([noLeader.statusCode, noLeader.headers['retry-after']]).toEqual([503, '2']);
    const shape = { code: 'NO_LEADER', message: 'No leader.', retryAfterMs: 1200, details: { slot: 3 } };
    expect(noLeader.json()).toEqual(shape);

    const notReady = await get('/errors/not-ready');
    expect([notReady.statusCode, notReady.headers['retry-after']]).toEqual([503, '1']);

    const stale = await get('/errors/stale');
    expect([stale.statusCode, stale.headers['retry-after']]).toEqual([409, undefined]);
    expect(stale.json()).toMatchObject({ code: 'STALE_REGISTRATION', details: { held: [1, 2, 3] } });
  });

  it('what Nest refuses has a code too: no JSON, too large, no such route', async () => {
    const post = (payload: string, type = 'application/json'): ReturnType<NestFastifyApplication['inject']> =>
      app.inject({ method: 'POST', url: '/echo', payload, headers: { 'content-type': type } });
    const notJson = await post('{"dataId":');
    expect([notJson.statusCode, notJson.json()]).toEqual([400, expect.objectContaining({ code: 'BAD_REQUEST' })]);
    const tooLarge = await post(JSON.stringify('x'.repeat(2000)));
    expect([tooLarge.statusCode, tooLarge.json()]).toEqual([413, expect.objectContaining({ code: 'BODY_TOO_LARGE' })]);
    const wrongType = await post('<a/>', 'application/xml');
    expect([wrongType.statusCode, wrongType.json()]).toEqual([415, expect.objectContaining({ code: 'BAD_REQUEST' })]);
    const nowhere = await get('/nowhere');
    expect([nowhere.statusCode, nowhere.json()]).toEqual([404, expect.objectContaining({ code: 'NOT_FOUND' })]);
    const bad = await get('/errors/bad');
    expect([bad.statusCode, bad.json()]).toEqual([400, { code: 'BAD_REQUEST', message: 'No scope.' }]);
    expect(logged).not.toHaveBeenCalled();
  });

  it('the report of a failed health check stays with it', async () => {
    const health = await get('/errors/health');
    expect([health.statusCode, health.headers['retry-after']]).toEqual([503, '1']);
    expect(health.json()).toMatchObject({ code: 'NOT_READY', details: { status: 'error', error: { meta: 'gone' } } });
  });

  it('a defect is logged once with its stack, and told to nobody', async () => {
    const defect = await get('/errors/defect');
    expect(defect.statusCode).toBe(500);
    expect(defect.json()).toEqual({ code: 'INTERNAL', message: expect.any(String) });
    expect(defect.body).not.toContain('secret');
    expect(logged).toHaveBeenCalledTimes(1);
    expect(String(logged.mock.calls[0]![0])).toMatch(/a secret[\s\S]*at /);
  });
});

describe('over RPC', () => {
  it.each([
    ['no-leader', { code: 'NO_LEADER', message: 'No leader.', retryAfterMs: 1200, details: { slot: 3 } }],
    ['bad', { code: 'BAD_REQUEST', message: 'No scope.' }],
    ['rpc', { code: 'PENDING' }],
  ])('%s is the failure itself', async (pattern, expected) => {
    await expect(rpc.request(pattern, {})).rejects.toMatchObject(expected);
    expect(logged).not.toHaveBeenCalled();
  });

  it('a defect is logged once, and told to nobody', async () => {
    const error = await rpc.request('defect', {}).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(String(error)).not.toContain('secret');
    expect(logged).toHaveBeenCalledTimes(1);
  });
});
