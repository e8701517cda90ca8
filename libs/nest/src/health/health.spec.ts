import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { HealthModule, type Readiness } from './health.module.js';

describe('health', () => {
  let app: NestFastifyApplication;
  let readiness: Readiness;

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [HealthModule.forRoot(() => readiness)] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    await app.init();
  });

  afterEach(() => app.close());

  const get = (url: string) => app.inject({ method: 'GET', url });

  it('is alive as soon as it answers', async () => {
    readiness = { ready: false };
    const { statusCode, body } = await get('/health/live');
    expect([statusCode, body]).toEqual([200, '{"status":"ok"}']);
  });

  it('is ready when the process says so, and tells until then what it waits for', async () => {
    readiness = { ready: false, waitingFor: 'meta at 127.0.0.1:9610' };
    const waiting = await get('/health/ready');
    expect(waiting.statusCode).toBe(503);
    expect(waiting.json()).toEqual({
      code: 'NOT_READY',
      message: 'Waiting for meta at 127.0.0.1:9610.',
      details: { waitingFor: 'meta at 127.0.0.1:9610' },
    });
    readiness = { ready: true };
    const ready = await get('/health/ready');
    expect([ready.statusCode, ready.json()]).toEqual([200, { status: 'ok' }]);
    expect(ready.headers['cache-control']).toBe('no-store');
  });
});
