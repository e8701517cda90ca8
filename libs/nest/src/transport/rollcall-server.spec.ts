import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom, take, toArray } from 'rxjs';
import { RegistryError } from '#model';
import { RpcConnection } from '#client';
import { pack, SharedBody } from '#wire';
import type { Answer } from './answer.js';
import type { RollcallContext } from './rollcall-context.js';
import { RollcallSocket } from './rollcall-socket.js';
import { LIMITS, seen, TestController, TestServer } from './test-controller.harness.js';
import { RawPeer, startServer, until } from './transport.harness.js';

const test = new TestServer();
beforeEach(() => test.start());
afterEach(() => test.stop());

describe('a connection of the SDK', () => {
  it('asks and is answered', async () => {
    const connection = await test.connect();
    expect(await connection.request('echo', { a: [1, 'two'] })).toEqual({ a: [1, 'two'] });
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => connection.request('echo', i)));
    expect(answers).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it('gets every item of a stream in order, and its end', async () => {
    const connection = await test.connect();
    const items: unknown[] = [];
    await new Promise<void>((complete, error) =>
      connection.stream('count', 5, { next: (item) => items.push(item), error, complete }),
    );
    expect(items).toEqual([0, 1, 2, 3, 4]);
  });

  it('sends events in the order in which it asks', async () => {
    const connection = await test.connect();
    for (let i = 0; i < 50; i++) connection.emit('note', i);
    await connection.request('echo', 'after');
    expect(seen.events).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('gets the failure that the handler threw, and no more than INTERNAL of a defect', async () => {
    const connection = await test.connect();
    await expect(connection.request('no-leader', {})).rejects.toMatchObject({
      code: 'NO_LEADER',
      retryAfterMs: 50,
      details: { slot: 3 },
    });
    const defect = await connection.request('defect', {}).catch((error: unknown) => error);
    expect(defect).toMatchObject({ code: 'INTERNAL' });
    expect(String(defect)).not.toContain('secret');
    await expect(connection.request('unencodable', {})).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await connection.request('echo', 'still here')).toBe('still here');
  });

  it("runs Nest's hooks once around each answer, be it one, many, or a failure", async () => {
    const calls: string[] = [];
    test.server.setOnProcessingStartHook((_transport, context, done) => {
      calls.push(`begin ${(context as RollcallContext).getPattern()}`);
      return done();
    });
    test.server.setOnProcessingEndHook((_transport, context) => {
      calls.push(`end ${(context as RollcallContext).getPattern()}`);
    });
    const connection = await test.connect();
    await connection.request('echo', 1);
    expect(calls.splice(0)).toEqual(['begin echo', 'end echo']);
    await new Promise<void>((complete, error) => connection.stream('count', 5, { next: () => {}, error, complete }));
    expect(calls.splice(0)).toEqual(['begin count', 'end count']);
    await connection.request('no-leader', {}).catch(() => {});
    expect(calls.splice(0)).toEqual(['begin no-leader', 'end no-leader']);
  });

  it('knows what it may not send, and what may not be sent to it', async () => {
    const connection = await RpcConnection.connect({ host: '127.0.0.1', port: test.port, limits: LIMITS });
    await expect(connection.request('echo', 'x'.repeat(1_000_001))).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' });
    await expect(connection.request('flood', 1_000_001)).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' });
    expect(await connection.request('echo', 1)).toBe(1);
    connection.close();
  });

  it('has a deadline for every request, and takes no harm from an answer that comes later', async () => {
    const connection = await test.connect();
    await expect(connection.request('subscribe.late', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    seen.release();
    expect(await connection.request('echo', 1)).toBe(1);
  });

  it('tells everybody who waits when the connection ends', async () => {
    const connection = await test.connect();
    const reasons: string[] = [];
    const request = connection.request('subscribe.late', {}).catch((error: RegistryError) => reasons.push(error.code));
    connection.stream(
      'subscribe',
      {},
      { next: () => undefined, error: (error) => reasons.push(error.code), complete: () => undefined },
    );
    connection.onClose((error) => reasons.push(error.code));
    await connection.request('echo', 1);
    test.connections[0]!.close(new RegistryError('SHUTTING_DOWN'));
    await request;
    await until(() => reasons.length === 3);
    expect(reasons).toEqual(['SHUTTING_DOWN', 'SHUTTING_DOWN', 'SHUTTING_DOWN']);
    await expect(connection.request('echo', 1)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    connection.emit('note', 'lost, and nobody is hurt');
    await new Promise<void>((resolve) => connection.onClose(() => resolve()));
  });

  it('is refused where nobody listens', async () => {
    await test.app.close();
    const refused = await RpcConnection.connect({ host: '127.0.0.1', port: test.port }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'CONNECTION_CLOSED', cause: { code: 'ECONNREFUSED' } });
  });
});

describe('a pattern whose messages are taken past Nest', () => {
  it('has its handler called before any that comes behind it, and leaves to Nest what that handler does not take', async () => {
    const taken: unknown[] = [];
    test.server.direct('note', ({ data }) => data !== 'for Nest' && taken.push(data) > 0);
    const connection = await test.connect();
    for (const data of [1, 2, 'for Nest', 3]) connection.emit('note', data);
    await connection.request('echo', 'after');
    expect(taken).toEqual([1, 2, 3]);
    expect(seen.events).toEqual(['for Nest']);
  });

  it('answers by itself, and costs nobody anything when it fails', async () => {
    test.server.direct('direct', ({ id, data }, connection) => {
      if (data === 'defect') throw new Error('secret');
      connection.respond({ id: id!, response: data, isDisposed: true });
      return true;
    });
    const connection = await test.connect();
    connection.emit('direct', 'defect');
    expect(await connection.request('direct', { a: 1 })).toEqual({ a: 1 });
    expect(test.connections[0]!.inFlight).toBe(0);
  });
});

describe('a request that its handler keeps', () => {
  it('is answered as often as the handler says, and until then', async () => {
    const connection = await test.connect();
    const items: unknown[] = [];
    const ended = new Promise<void>((complete, error) =>
      connection.stream('kept', 'x', { next: (item) => items.push(item), error, complete }),
    );
    await until(() => seen.events.length === 1);
    const answer = seen.events[0] as Answer;
    expect(await connection.request('echo', 'meanwhile')).toBe('meanwhile');
    expect(test.connections[0]!.inFlight).toBe(1);
    answer.next('first');
    answer.nextShared(SharedBody.of({ second: true }));
    answer.end();
    answer.next('nobody hears this');
    answer.end();
    await ended;
    expect(await connection.request('echo', 'after')).toBe('after');
    expect(items).toEqual(['first', { second: true }]);
    expect(test.connections[0]!.inFlight).toBe(0);
  });

  it('fails as any other does, also with what the handler throws afterwards, and by what cannot be sent', async () => {
    const connection = await test.connect();
    const failed = (what: string): Promise<RegistryError> =>
      new Promise((error) => connection.stream('kept', what, { next: () => {}, error, complete: () => {} }));
    expect(await failed('refused before')).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await failed('refused after')).toMatchObject({ code: 'NO_LEADER' });
    seen.events.length = 0;
    const late = failed('x');
    await until(() => seen.events.length === 1);
    (seen.events[0] as Answer).next('x'.repeat(1_000_001));
    expect(await late).toMatchObject({ code: 'FRAME_TOO_LARGE' });
    expect(test.connections[0]!.inFlight).toBe(0);
  });

  it('cannot be an event, which nobody waits for', async () => {
    const connection = await test.connect();
    connection.emit('kept', 'x');
    expect(await connection.request('echo', 'still here')).toBe('still here');
    expect(seen.events).toEqual([]);
  });
});

describe('a stock ClientProxy with our socket class', () => {
  let client: ClientProxy;
  beforeEach(async () => {
    client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: test.port, socketClass: RollcallSocket },
    });
    await client.connect();
  });
  afterEach(() => client.close());

  it('asks, with patterns that are strings and patterns that are objects', async () => {
    expect(await firstValueFrom(client.send('echo', { data: ['a'] }))).toEqual({ data: ['a'] });
    expect(await firstValueFrom(client.send({ cmd: 'sum' }, [1, 2, 3]))).toBe(6);
  });

  it('sends events', async () => {
    await firstValueFrom(client.emit('note', { n: 1 }), { defaultValue: undefined });
    await until(() => seen.events.length === 1);
    expect(seen.events).toEqual([{ n: 1 }]);
  });

  it('subscribes to a stream', async () => {
    expect(await firstValueFrom(client.send('count', 4).pipe(toArray()))).toEqual([0, 1, 2, 3]);
    expect(await firstValueFrom(client.send('subscribe', {}))).toBe('first');
  });

  it('reads a body that was encoded once for many', async () => {
    const value = { list: ['a', 'b'], large: 'x'.repeat(10_000) };
    expect(await firstValueFrom(client.send('shared', {}).pipe(toArray()))).toEqual([value, value]);
    expect(await firstValueFrom(client.send('pushed', {}).pipe(take(1)))).toEqual(value);
  });

  it('gets failures with their code', async () => {
    await expect(firstValueFrom(client.send('no-leader', {}))).rejects.toMatchObject({ code: 'NO_LEADER' });
    await expect(firstValueFrom(client.send('nothing.here', {}))).rejects.toMatchObject({ code: 'UNKNOWN_PATTERN' });
  });
});

describe('closing', () => {
  it('lets what was answered go out, and leaves nothing listening', async () => {
    const peer = new RawPeer(test.port);
    for (let i = 0; i < 20; i++) peer.send({ pattern: 'flood', data: 100_000, id: i });
    await until(() => peer.received.length > 0);
    await until(() => test.connections[0]!.inFlight === 0);
    await test.app.close();
    await peer.closed;
    expect(peer.received).toHaveLength(20);
    await expect(RpcConnection.connect({ host: '127.0.0.1', port: test.port })).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
    });
  });

  it('does not wait for those who hold on', async () => {
    const peer = new RawPeer(test.port);
    await until(() => test.connections.length === 1);
    peer.socket.pause();
    test.connections[0]!.respondShared(1, pack('x'.repeat(900_000)));
    await test.app.close();
    expect(test.server.connectionCount).toBe(0);
    peer.socket.destroy();
  });

  it('a port in use is an error of listen', async () => {
    await expect(startServer([TestController], { port: test.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
