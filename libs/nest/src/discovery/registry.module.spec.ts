import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Inject, Injectable, Module, Res } from '@nestjs/common';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import { type ClientState, type ClientStatus, type Publisher, RegistryClient, type Registration } from '#client';
import { RegistryError } from '#model';
import { RegistryHealthIndicator } from './health-indicator.js';
import { InjectRegistry, RegistryModule, type RegistryModuleOptions } from './registry.module.js';

/** Stands in for the client: what the module asks of it, in order. */
class FakeClient {
  readonly did: string[] = [];
  readonly registrations: Registration[] = [];
  state: ClientState = 'ready';
  /** Whether the registry answers. */
  answers = true;
  /** Lets it answer what it was asked to publish. */
  answer: (() => void) | undefined;

  get publisherCount(): number {
    return this.registrations.length;
  }

  get status(): ClientStatus {
    return { state: this.state, since: new Date(0), reason: 'welcomed', message: '', attempts: 0 };
  }

  async publish(registration: Registration): Promise<Pick<Publisher, 'unpublish'>> {
    this.did.push(`publish ${registration.dataId} ${registration.data.join()}`);
    if (!this.answers) await new Promise<void>((resolve) => (this.answer = resolve));
    this.registrations.push(registration);
    return { unpublish: () => Promise.resolve(void this.did.push(`unpublish ${registration.dataId}`)) };
  }

  unpublishAll(): Promise<void> {
    this.did.push('unpublish all');
    return this.answers ? Promise.resolve() : new Promise(() => undefined);
  }

  close(): Promise<void> {
    this.did.push('close');
    return Promise.resolve();
  }
}

@Injectable()
class Greeter {
  constructor(@InjectRegistry() readonly client: RegistryClient) {}
}

@Controller()
class HealthController {
  constructor(@Inject(RegistryHealthIndicator) private readonly registry: RegistryHealthIndicator) {}

  /** As terminus does: down as soon as one indicator says so. */
  @Get('health')
  async check(@Res({ passthrough: true }) reply: { status(code: number): unknown }): Promise<object> {
    const details = await this.registry.check();
    if (Object.values(details).some(({ status }) => status === 'down')) reply.status(503);
    return { details };
  }
}

@Module({ providers: [Greeter] })
class GreeterModule {}

const TCP = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;

let client: FakeClient;
const running: { close(): Promise<void> }[] = [];

beforeEach(() => {
  client = new FakeClient();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
});

function moduleOf(options: Partial<RegistryModuleOptions>): Promise<TestingModule> {
  const registry = RegistryModule.forRootAsync({
    useFactory: async () => ({ seeds: ['127.0.0.1:1'], drainMs: 0, ...options }),
  });
  return Test.createTestingModule({
    imports: [registry, GreeterModule],
    controllers: [HealthController],
  })
    .overrideProvider(RegistryClient)
    .useValue(client)
    .compile();
}

async function httpApp(options: Partial<RegistryModuleOptions>): Promise<NestFastifyApplication> {
  const module = await moduleOf(options);
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  running.push(app);
  return app;
}

const portOf = (app: NestFastifyApplication): number => ((app.getHttpServer() as Server).address() as AddressInfo).port;

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('RegistryModule', () => {
  it('registers an HTTP application once it listens, and not before', async () => {
    const app = await httpApp({
      register: { dataId: 'api', weight: 5, version: '1.2', zone: 'east', parameters: { k: 'v' }, group: 'g' },
    });
    await app.init();
    await settled();
    expect(client.did).toEqual([]);
    await app.listen(0, '127.0.0.1');
    await settled();
    const url = `http://127.0.0.1:${portOf(app)}?weight=5&version=1.2&k=v`;
    expect(client.registrations).toEqual([{ dataId: 'api', group: 'g', zone: 'east', data: [url] }]);
  });

  it('registers a microservice at the port that the system chose for it', async () => {
    const module = await moduleOf({ register: [{ dataId: 'user' }] });
    const app = module.createNestMicroservice<MicroserviceOptions>({ ...TCP, logger: false });
    running.push(app);
    await app.listen();
    await settled();
    const { port } = app.unwrap<Server>().address() as AddressInfo;
    expect(client.did).toEqual([`publish user tcp://127.0.0.1:${port}`]);
  });

  it('registers each server of a hybrid application under its own name', async () => {
    const app = await httpApp({
      register: [
        { dataId: 'web', server: 'http', host: 'web.example', port: 443, protocol: 'https' },
        { dataId: 'rpc', server: 'rpc' },
      ],
    });
    app.connectMicroservice<MicroserviceOptions>(TCP);
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    await settled();
    expect(client.did.toSorted()).toEqual([
      expect.stringMatching(/^publish rpc tcp:\/\/127\.0\.0\.1:\d+$/),
      'publish web https://web.example:443',
    ]);
  });

  it('guesses no address where the application listens on every interface', async () => {
    const app = await httpApp({ register: { dataId: 'api' } });
    await app.listen(0, '0.0.0.0');
    await settled();
    expect(client.did).toEqual([]);
    expect((await app.inject('/health')).statusCode).toBe(503);
  });

  it('takes everything away, lets callers hear of it, and only then stops listening', async () => {
    const app = await httpApp({ register: { dataId: 'api' }, drainMs: 60 });
    await app.listen(0, '127.0.0.1');
    await settled();
    const server = app.getHttpServer() as Server;
    server.on('close', () => client.did.push('stopped listening'));
    const unpublish = client.unpublishAll.bind(client);
    let leftMs = 0;
    client.unpublishAll = () => {
      leftMs = performance.now();
      return unpublish();
    };
    server.on('close', () => {
      leftMs = performance.now() - leftMs;
    });
    await app.close();
    expect(client.did.slice(1)).toEqual(['unpublish all', 'stopped listening', 'close']);
    expect(leftMs).toBeGreaterThanOrEqual(59);
  });

  it('stops in bounded time when the registry does not answer', async () => {
    const app = await httpApp({ register: { dataId: 'api' }, drainMs: 0 });
    client.answers = false;
    await app.listen(0, '127.0.0.1');
    await app.close();
    expect(client.did.slice(1)).toEqual(['unpublish all', 'close']);
  });

  it('drains also when the registry refuses to take anything away, as while it is read-only', async () => {
    const app = await httpApp({ register: { dataId: 'api' }, drainMs: 400 });
    await app.listen(0, '127.0.0.1');
    await settled();
    const startMs = performance.now();
    let stoppedMs = 0;
    (app.getHttpServer() as Server).on('close', () => {
      stoppedMs = performance.now() - startMs;
    });
    client.unpublishAll = () => Promise.reject(new RegistryError('READ_ONLY'));
    await app.close();
    expect(client.did.slice(1)).toEqual(['close']);
    expect(stoppedMs).toBeGreaterThanOrEqual(399);
  });

  it('takes away as well what was still on its way to the registry when it began to stop', async () => {
    const app = await httpApp({ register: { dataId: 'api' } });
    client.answers = false;
    client.unpublishAll = () => {
      client.answer!();
      return Promise.resolve();
    };
    await app.listen(0, '127.0.0.1');
    await app.close();
    expect(client.did.slice(1)).toEqual(['unpublish api', 'close']);
  });

  it('registers nothing unless told, and gives the client to whoever injects it', async () => {
    const app = await httpApp({});
    await app.listen(0, '127.0.0.1');
    await settled();
    expect(client.did).toEqual([]);
    expect(app.get(Greeter).client).toBe(client);
  });
});

describe('the health indicator', () => {
  const health = async (app: NestFastifyApplication): Promise<{ status: number; registry: object }> => {
    const response = await app.inject('/health');
    const { details } = response.json<{ details: { registry: object } }>();
    return { status: response.statusCode, registry: details.registry };
  };

  it('is up once the application is registered, and stays so while the registry is away', async () => {
    const app = await httpApp({ register: { dataId: 'api' } });
    client.state = 'connecting';
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    expect(await health(app)).toMatchObject({
      status: 503,
      registry: { status: 'down', registered: 0, toRegister: 1 },
    });
    await app.listen(0, '127.0.0.1');
    await settled();
    client.state = 'ready';
    expect(await health(app)).toMatchObject({ status: 200, registry: { status: 'up', state: 'ready', registered: 1 } });
    client.state = 'degraded';
    expect(await health(app)).toMatchObject({ status: 200, registry: { status: 'up', state: 'degraded' } });
    const strict = await app.get(RegistryHealthIndicator).check('registry', { strict: true });
    expect(strict).toMatchObject({ registry: { status: 'down' } });
    client.state = 'closed';
    expect(await health(app)).toMatchObject({ status: 503 });
  });
});
