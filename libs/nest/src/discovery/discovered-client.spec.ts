import { EventEmitter } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import type { INestMicroservice } from '@nestjs/common';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  type TcpContext,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import type { RegistryClient } from '#client';
import { DiscoveredClient, type DiscoveredClientOptions } from './discovered-client.js';

/** Stands in for a registry client: one subscriber whose list the test sets. */
class FakeRegistry extends EventEmitter {
  publishers: { data: string[]; zone: string }[] = [];
  /** Whether the registry is down, and what is known is from the disk. */
  isStale = false;

  set(data: string[], ...others: { data: string[]; zone: string }[]): void {
    this.publishers = [{ data, zone: 'east' }, ...others];
    this.emit('change');
  }

  subscribe(): unknown {
    const current = () => ({
      ...(this.isStale ? { state: 'pending', stale: true } : { state: 'current' }),
      publishers: this.publishers,
    });
    return {
      current,
      ready: async () => (this.isStale ? new Promise(() => undefined) : current()),
      on: (event: string, listener: () => void) => this.on(event, listener),
      close: async () => this.removeAllListeners(),
    };
  }
}

let events: unknown[] = [];

@Controller()
class EchoController {
  @MessagePattern('echo')
  echo(data: unknown): unknown {
    return data;
  }

  @MessagePattern('where')
  where(@Ctx() context: TcpContext): number {
    return (context.getSocketRef().socket as Socket).localPort!;
  }

  @MessagePattern('refuse')
  refuse(): never {
    throw new Error('refused by the service');
  }

  @EventPattern('note')
  note(data: unknown): void {
    events.push(data);
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {}

describe('DiscoveredClient', () => {
  let registry: FakeRegistry;
  let client: DiscoveredClient;
  const services: INestMicroservice[] = [];
  const servers: Server[] = [];

  async function startService(): Promise<string> {
    const service = await NestFactory.createMicroservice<MicroserviceOptions>(EchoModule, {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: 0 },
      logger: false,
    });
    await service.listen();
    services.push(service);
    return `tcp://127.0.0.1:${(service.unwrap<Server>().address() as AddressInfo).port}`;
  }

  /** A server that takes a request and dies without answering. Counts what it was sent. */
  async function startDying(): Promise<{ url: string; requests: () => number }> {
    let requests = 0;
    const server = createServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        requests++;
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
  }

  async function unusedUrl(): Promise<string> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise((resolve) => server.close(resolve));
    return url;
  }

  function make(options: Partial<DiscoveredClientOptions> = {}): DiscoveredClient {
    return new DiscoveredClient({ registry: registry as unknown as RegistryClient, dataId: 'echo', ...options });
  }

  beforeEach(() => {
    events = [];
    registry = new FakeRegistry();
    client = make();
  });

  afterEach(async () => {
    await client.close();
    await Promise.all(services.splice(0).map((service) => service.close()));
    for (const server of servers.splice(0)) server.close();
  });

  it('sends to every live endpoint in turn', async () => {
    registry.set([await startService(), await startService()]);
    const answers = await Promise.all([1, 2, 3, 4].map((n) => firstValueFrom(client.send('echo', n))));
    expect(answers).toEqual([1, 2, 3, 4]);
    expect(client.unwrap<unknown[]>()).toHaveLength(2);
  });

  it('tries elsewhere what was certainly not sent, without asking whether it may', async () => {
    registry.set([await unusedUrl(), await startService()]);
    for (const n of [1, 2, 3]) expect(await firstValueFrom(client.send('echo', n))).toBe(n);
  });

  it('does not repeat what a dying server may have taken', async () => {
    const dying = await startDying();
    registry.set([dying.url, await startService()]);
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toThrow('Connection closed');
    expect(dying.requests()).toBe(1);
  });

  it('repeats it when it is idempotent', async () => {
    client = make({ isIdempotent: (pattern) => pattern === 'echo' });
    const dying = await startDying();
    registry.set([dying.url, await startService()]);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
    expect(dying.requests()).toBe(1);
  });

  it('hands on the refusal of a service as it is, and does not ask another', async () => {
    client = make({ isIdempotent: () => true });
    registry.set([await startService(), await startService()]);
    await expect(firstValueFrom(client.send('refuse', {}))).rejects.toMatchObject({ status: 'error' });
  });

  it('says so when there is nobody', async () => {
    registry.set([]);
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({ code: 'NO_ENDPOINT' });
    registry.set([await unusedUrl()]);
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({ code: 'NO_ENDPOINT' });
  });

  it('sends requests of one key to one endpoint', async () => {
    client = make({ balancer: 'consistent-hash', keyOf: (_pattern, data) => String(data) });
    const all = [await startService(), await startService(), await startService()];
    registry.set(all);
    const homes = new Map<string, Set<number>>();
    for (let n = 0; n < 60; n++) {
      const key = `k${n % 12}`;
      const home = await firstValueFrom(client.send<number>('where', key));
      homes.set(key, (homes.get(key) ?? new Set()).add(home));
    }
    expect([...homes.values()].map((each) => each.size)).toEqual(Array.from({ length: 12 }, () => 1));
    expect(new Set([...homes.values()].flatMap((each) => [...each])).size).toBeGreaterThan(1);
  });

  it('stays in its zone as long as somebody there can be reached', async () => {
    client = make({ zone: 'west', balancer: 'two-choices', isIdempotent: () => true });
    const [near, far] = [await startService(), await startService()];
    registry.set([far!], { data: [near!], zone: 'west' });
    for (let n = 0; n < 10; n++) expect(`tcp://127.0.0.1:${await firstValueFrom(client.send('where', n))}`).toBe(near);
    await services.shift()!.close();
    expect(`tcp://127.0.0.1:${await firstValueFrom(client.send('where', 1))}`).toBe(far);
  });

  it('passes over an endpoint that breaks off again and again', async () => {
    client = make({ outliers: { failures: 2 } });
    const dying = await startDying();
    registry.set([dying.url, await startService()]);
    let failures = 0;
    for (let n = 0; n < 20; n++) await firstValueFrom(client.send('echo', n)).catch(() => failures++);
    expect(failures).toBe(2);
    expect(dying.requests()).toBe(2);
  });

  it('begins with what an earlier life has kept, while the registry is down', async () => {
    registry.isStale = true;
    registry.set([await startService()]);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
  });

  it('emits events, and follows the list as it changes', async () => {
    const first = await startService();
    registry.set([first]);
    await firstValueFrom(client.emit('note', 'a'), { defaultValue: undefined });
    registry.set([await startService()]);
    await firstValueFrom(client.send('echo', 1));
    expect(client.unwrap<unknown[]>()).toHaveLength(1);
    expect(events).toEqual(['a']);
  });
});
