import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { Check } from '#model';
import { RpcErrorFilter } from '../transport/rpc-error.filter.js';
import { NoSiblings, type Siblings } from '../workers/siblings.js';
import { HealthModule } from './health.module.js';
import { type Probes, probesOf, probesOfAll } from './probes.js';
import { ServerHealth } from './server-health.js';

const META: Check = { name: 'membership', waitingFor: 'meta at 127.0.0.1:9610' };
const TABLE: Check = { name: 'table' };

describe('health', () => {
  let app: NestFastifyApplication;
  let checks: Check[];
  let health: ServerHealth;

  beforeEach(async () => {
    checks = [META, TABLE];
    health = new ServerHealth({ checks: () => checks });
    app = await serving(probesOf(health));
  });

  afterEach(() => app.close());

  async function serving(probes: Probes): Promise<NestFastifyApplication> {
    const module = await Test.createTestingModule({
      imports: [HealthModule.forRoot(probes)],
      providers: [{ provide: APP_FILTER, useClass: RpcErrorFilter }],
    }).compile();
    const made = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    await made.init();
    return made;
  }

  async function get(url: string): Promise<{ status: number; body: unknown; headers: Record<string, unknown> }> {
    const answer = await app.inject({ method: 'GET', url });
    return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
  }

  it('is alive as soon as it answers', async () => {
    expect(await get('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('has started when the process has, whatever else it waits for', async () => {
    expect(await get('/health/startup')).toMatchObject({
      status: 503,
      body: { code: 'NOT_READY', message: 'Waiting for the server to start.' },
    });
    health.started();
    expect(await get('/health/startup')).toMatchObject({
      status: 200,
      body: { status: 'ok', checks: { started: { status: 'up' } } },
    });
  });

  it('is ready when all holds, and names until then what does not, and what it waits for', async () => {
    health.started();
    const waiting = await get('/health/ready');
    expect(waiting.body).toEqual({
      code: 'NOT_READY',
      message: 'Waiting for meta at 127.0.0.1:9610.',
      details: {
        waitingFor: 'meta at 127.0.0.1:9610',
        checks: {
          started: { status: 'up' },
          staying: { status: 'up' },
          membership: { status: 'down', waitingFor: 'meta at 127.0.0.1:9610' },
          table: { status: 'up' },
        },
      },
    });
    expect([waiting.status, waiting.headers['cache-control']]).toEqual([503, 'no-store']);
    checks = [{ ...META, waitingFor: undefined }, TABLE];
    const up = { status: 'up' };
    const ready = await get('/health/ready');
    expect(ready.body).toEqual({ status: 'ok', checks: { started: up, staying: up, membership: up, table: up } });
    expect([ready.status, ready.headers['cache-control'], health.isReady]).toEqual([200, 'no-store', true]);
  });

  it('is not ready any more from when it is told to stop, and alive and started still', async () => {
    checks = [TABLE];
    health.started();
    health.stopping();
    expect(await get('/health/ready')).toMatchObject({
      status: 503,
      body: { code: 'NOT_READY', details: { checks: { staying: { status: 'down' }, table: { status: 'up' } } } },
    });
    expect([(await get('/health/live')).status, (await get('/health/startup')).status]).toEqual([200, 200]);
    expect(health.isReady).toBe(false);
  });

  describe('of a server with workers', () => {
    /** What the others answer, by what they are asked. */
    let others: Record<string, Check[][]>;

    beforeEach(async () => {
      others = {};
      const own = new NoSiblings();
      const siblings: Siblings = {
        answer: (about, answering) => own.answer(about, answering),
        // As it comes out of messages between processes.
        ask: async (about) =>
          JSON.parse(JSON.stringify([...(others[about] ?? []), ...(await own.ask(about))])) as unknown[],
        meansOne: () => undefined,
      };
      await app.close();
      app = await serving(probesOfAll(siblings, health));
    });

    it('is that of a worker which serves, as long as there is one', async () => {
      expect((await get('/health/startup')).status).toBe(503);
      others = { startup: [[{ name: 'started' }]], readiness: [[META]] };
      expect((await get('/health/startup')).status).toBe(200);
      expect((await get('/health/ready')).body).toMatchObject({ details: { waitingFor: META.waitingFor } });
      checks = [TABLE];
      health.started();
      expect((await get('/health/ready')).status).toBe(200);
      health.stopping();
      expect((await get('/health/ready')).status).toBe(503);
      others = { readiness: [[META], [TABLE]] };
      expect((await get('/health/ready')).body).toEqual({ status: 'ok', checks: { table: { status: 'up' } } });
    });
  });
});
