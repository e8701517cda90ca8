import { Controller, type INestMicroservice } from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { concat, firstValueFrom, NEVER, Observable, of, take, toArray } from 'rxjs';
import { RegistryError } from '#model';
import { RpcConnection } from '#client';
import { FRAME_HEAD_BYTES, pack, SharedBody } from '#wire';
import type { Connection } from './connection.js';
import type { RollcallContext } from './rollcall-context.js';
import type { RollcallServer } from './rollcall-server.js';
import { RollcallSocket } from './rollcall-socket.js';
import { RawPeer, startServer, until } from './testing-server.js';

let liveStreams = 0;
const events: unknown[] = [];
const shared = SharedBody.of({ list: ['a', 'b'], large: 'x'.repeat(10_000) });
let release: () => void = () => undefined;
let connections: Connection[] = [];

@Controller()
class TestController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() data: number[]): number {
    return data.reduce((a, b) => a + b, 0);
  }

  @EventPattern('note')
  note(@Payload() data: unknown): void {
    events.push(data);
  }

  @MessagePattern('whoami')
  whoami(@Ctx() context: RollcallContext): unknown {
    return { id: context.connection.id, remoteAddress: context.connection.remoteAddress };
  }

  @MessagePattern('count')
  count(@Payload() upTo: number): Observable<number> {
    return of(...Array.from({ length: upTo }, (_, i) => i));
  }

  @MessagePattern('subscribe')
  subscribe(): Observable<unknown> {
    return counted(concat(of('first'), NEVER));
  }

  @MessagePattern('subscribe.late')
  async subscribeLate(): Promise<Observable<unknown>> {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return counted(concat(of('first'), NEVER));
  }

  @MessagePattern('shared')
  shared(): Observable<unknown> {
    return of(shared, shared);
  }

  @MessagePattern('pushed')
  pushed(@Ctx() context: RollcallContext): Observable<unknown> {
    return new Observable(() => {
      context.connection.respondShared(context.requestId!, shared);
    });
  }

  @MessagePattern('flood')
  flood(@Payload() bytes: number): string {
    return 'x'.repeat(bytes);
  }

  @MessagePattern('no-leader')
  noLeader(): never {
    throw new RegistryError('NO_LEADER', undefined, { retryAfterMs: 50, details: { slot: 3 } });
  }

  @MessagePattern('defect')
  defect(): never {
    throw new Error('a secret');
  }

  @MessagePattern('unencodable')
  unencodable(): unknown {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    return cycle;
  }
}

function counted(source: Observable<unknown>): Observable<unknown> {
  return new Observable((subscriber) => {
    liveStreams++;
    subscriber.add(() => liveStreams--);
    source.subscribe(subscriber);
  });
}

const LIMITS = { maxFrameBytes: 1_000_000, frameTimeoutMs: 100, maxBufferedBytes: 4_000_000, lingerMs: 1_000 };

let app: INestMicroservice;
let server: RollcallServer;
let port: number;
const open: RpcConnection[] = [];

async function connect(): Promise<RpcConnection> {
  const connection = await RpcConnection.connect({ host: '127.0.0.1', port });
  open.push(connection);
  return connection;
}

beforeEach(async () => {
  connections = [];
  events.length = 0;
  ({ app, server, port } = await startServer([TestController], {
    limits: LIMITS,
    maxInFlight: 600,
    drainMs: 200,
    onConnection: (connection) => connections.push(connection),
  }));
});

afterEach(async () => {
  for (const connection of open.splice(0)) connection.close();
  await app.close();
});

describe('a connection of the SDK', () => {
  it('asks and is answered', async () => {
    const connection = await connect();
    expect(await connection.request('echo', { a: [1, 'two'] })).toEqual({ a: [1, 'two'] });
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => connection.request('echo', i)));
    expect(answers).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it('gets every item of a stream in order, and its end', async () => {
    const connection = await connect();
    const items: unknown[] = [];
    await new Promise<void>((complete, error) =>
      connection.stream('count', 5, { next: (item) => items.push(item), error, complete }),
    );
    expect(items).toEqual([0, 1, 2, 3, 4]);
  });

  it('sends events in the order in which it asks', async () => {
    const connection = await connect();
    for (let i = 0; i < 50; i++) connection.emit('note', i);
    await connection.request('echo', 'after');
    expect(events).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('gets the failure that the handler threw, and no more than INTERNAL of a defect', async () => {
    const connection = await connect();
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

  it('knows what it may not send, and what may not be sent to it', async () => {
    const connection = await RpcConnection.connect({ host: '127.0.0.1', port, limits: LIMITS });
    open.push(connection);
    await expect(connection.request('echo', 'x'.repeat(1_000_001))).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' });
    await expect(connection.request('flood', 1_000_001)).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' });
    expect(await connection.request('echo', 1)).toBe(1);
  });

  it('has a deadline for every request, and takes no harm from an answer that comes later', async () => {
    const connection = await connect();
    await expect(connection.request('subscribe.late', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    release();
    expect(await connection.request('echo', 1)).toBe(1);
  });

  it('tells everybody who waits when the connection ends', async () => {
    const connection = await connect();
    const reasons: string[] = [];
    const request = connection.request('subscribe.late', {}).catch((error: RegistryError) => reasons.push(error.code));
    connection.stream(
      'subscribe',
      {},
      { next: () => undefined, error: (error) => reasons.push(error.code), complete: () => undefined },
    );
    connection.onClose((error) => reasons.push(error.code));
    await connection.request('echo', 1);
    connections[0]!.close(new RegistryError('SHUTTING_DOWN'));
    await request;
    await until(() => reasons.length === 3);
    expect(reasons).toEqual(['SHUTTING_DOWN', 'SHUTTING_DOWN', 'SHUTTING_DOWN']);
    await expect(connection.request('echo', 1)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    connection.emit('note', 'lost, and nobody is hurt');
    await new Promise<void>((resolve) => connection.onClose(() => resolve()));
  });

  it('is refused where nobody listens', async () => {
    await app.close();
    const refused = await RpcConnection.connect({ host: '127.0.0.1', port }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'CONNECTION_CLOSED', cause: { code: 'ECONNREFUSED' } });
  });
});

describe('a stock ClientProxy with our socket class', () => {
  let client: ClientProxy;
  beforeEach(async () => {
    client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port, socketClass: RollcallSocket },
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
    await until(() => events.length === 1);
    expect(events).toEqual([{ n: 1 }]);
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

describe('bad input', () => {
  /** Somebody else on the same server, whom nothing of this may touch. */
  let innocent: RpcConnection;
  const pushed: unknown[] = [];
  beforeEach(async () => {
    innocent = await connect();
    pushed.length = 0;
    innocent.stream(
      'subscribe',
      {},
      { next: (item) => pushed.push(item), error: () => pushed.push('closed'), complete: () => undefined },
    );
    await until(() => pushed.length === 1);
  });
  const frameOf = (body: Uint8Array, announcedBytes = body.length): Buffer => {
    const frame = Buffer.alloc(FRAME_HEAD_BYTES + body.length);
    frame.writeUInt32BE(announcedBytes);
    frame.set(body, FRAME_HEAD_BYTES);
    return frame;
  };

  const cases: [name: string, code: string, bytes: Buffer][] = [
    ['a frame that is too large', 'FRAME_TOO_LARGE', frameOf(Buffer.alloc(100), LIMITS.maxFrameBytes + 1)],
    ['a frame of four gigabytes', 'FRAME_TOO_LARGE', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a frame that is never completed', 'FRAME_INCOMPLETE', frameOf(Buffer.alloc(100), 200)],
    ['half a length', 'FRAME_INCOMPLETE', Buffer.from([0, 0])],
    ['an empty frame', 'BAD_FRAME', frameOf(Buffer.alloc(0))],
    ['what is not msgpack', 'BAD_FRAME', frameOf(Buffer.from('{"pattern":"echo"}'))],
    ['HTTP', 'FRAME_TOO_LARGE', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['msgpack that was cut short', 'BAD_FRAME', frameOf(pack({ pattern: 'echo', id: 1 }).subarray(0, 9))],
    ['msgpack that is a number', 'BAD_FRAME', frameOf(pack(7))],
    ['msgpack that is a list', 'BAD_FRAME', frameOf(pack([{ pattern: 'echo', id: 1 }]))],
    ['a message without a pattern', 'BAD_FRAME', frameOf(pack({ id: 1, data: {} }))],
    ['a message with an id of another kind', 'BAD_FRAME', frameOf(pack({ pattern: 'echo', id: [1] }))],
  ];

  it.each(cases)('%s is answered %s, and closes the connection that it came over', async (_name, code, bytes) => {
    const peer = new RawPeer(port);
    peer.send({ pattern: 'echo', data: 'fine', id: 1 });
    await until(() => peer.received.length === 1);
    peer.socket.write(bytes);
    await peer.closed;
    expect(peer.received).toEqual([
      { id: 1, response: 'fine', isDisposed: true },
      { err: expect.objectContaining({ code }), isDisposed: true },
    ]);
    expect(await innocent.request('echo', 'unharmed')).toBe('unharmed');
    expect(pushed).toEqual(['first']);
    expect(innocent.closed).toBe(false);
  });

  it('a frame truncated by the end of the connection costs nobody anything', async () => {
    const peer = new RawPeer(port);
    await until(() => connections.length === 2);
    peer.socket.end(frameOf(Buffer.alloc(100), 200));
    await peer.closed;
    await until(() => server.connectionCount === 1);
    expect(await innocent.request('echo', 'unharmed')).toBe('unharmed');
  });

  it('a slow frame is no fault, as long as it is completed in time', async () => {
    const peer = new RawPeer(port);
    const frame = frameOf(pack({ pattern: 'echo', data: 'slow', id: 1 }));
    for (const byte of frame) {
      peer.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await until(() => peer.received.length === 1);
    expect(peer.received).toEqual([{ id: 1, response: 'slow', isDisposed: true }]);
    peer.socket.destroy();
  });

  it('an unknown pattern is answered to the caller, whose connection stays', async () => {
    const connection = await connect();
    await expect(connection.request('nothing.here', {})).rejects.toMatchObject({
      code: 'UNKNOWN_PATTERN',
      details: { pattern: 'nothing.here' },
    });
    connection.emit('nothing.here', {});
    for (const pattern of ['__proto__', 'constructor', '', '{', '{"cmd":"nope"}'])
      await expect(connection.request(pattern, {})).rejects.toMatchObject({ code: 'UNKNOWN_PATTERN' });
    expect(await connection.request('echo', 1)).toBe(1);
  });

  it('what follows bad input on the same connection is not looked at', async () => {
    const peer = new RawPeer(port);
    peer.socket.write(Buffer.concat([frameOf(pack(7)), frameOf(pack({ pattern: 'note', data: 'ignored' }))]));
    await peer.closed;
    expect(events).toEqual([]);
  });
});

describe('streams', () => {
  it('end when their connection closes: fifty that come and go leave nobody behind', async () => {
    for (let i = 0; i < 50; i++) {
      const connection = await connect();
      const items: unknown[] = [];
      for (let j = 0; j < 3; j++)
        connection.stream(
          'subscribe',
          {},
          { next: (item) => items.push(item), error: () => undefined, complete: () => undefined },
        );
      await until(() => items.length === 3);
      expect(liveStreams).toBe(3);
      connection.close();
      await until(() => liveStreams === 0);
    }
    expect(server.connectionCount).toBe(0);
    expect(connections.every((connection) => connection.inFlight === 0)).toBe(true);
  });

  it('are never begun when the connection closed before the handler was ready', async () => {
    const connection = await connect();
    connection.stream(
      'subscribe.late',
      {},
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    await connection.request('echo', 1);
    connection.close();
    await until(() => server.connectionCount === 0);
    release();
    await until(() => connections[0]!.inFlight === 0);
    expect(liveStreams).toBe(0);
  });

  it('share one listener on the socket, however many they are', async () => {
    const connection = await connect();
    await connection.request('echo', 1);
    const before = connections[0]!.socket.netSocket.listenerCount('close');
    let items = 0;
    for (let i = 0; i < 40; i++)
      connection.stream('subscribe', {}, { next: () => items++, error: () => undefined, complete: () => undefined });
    await until(() => items === 40);
    expect(connections[0]!.socket.netSocket.listenerCount('close')).toBe(before);
  });

  it('and requests in flight have a bound for each connection', async () => {
    const [greedy, modest] = [await connect(), await connect()];
    const codes: string[] = [];
    let items = 0;
    for (let i = 0; i < 601; i++)
      greedy.stream(
        'subscribe',
        {},
        { next: () => items++, error: (error) => codes.push(error.code), complete: () => undefined },
      );
    await until(() => codes.length === 1);
    await until(() => items === 600);
    expect(codes).toEqual(['OVERLOADED']);
    expect(await modest.request('echo', 1)).toBe(1);
  });
});

describe('limits', () => {
  it('a peer that asks and does not read is not read from, until it does', async () => {
    const innocent = await connect();
    const peer = new RawPeer(port);
    await until(() => connections.length === 2);
    peer.socket.pause();
    const slow = connections[1]!;
    const socket = slow.socket.netSocket;
    let asked = 0;
    while (!slow.backedUp) {
      const before = socket.bytesRead;
      peer.send({ pattern: 'flood', data: 500_000, id: asked++ });
      await until(() => slow.backedUp || socket.bytesRead > before);
    }
    for (let i = 0; i < 100; i++) peer.send({ pattern: 'note', data: i });
    expect(await innocent.request('echo', 1)).toBe(1);
    expect(socket.isPaused()).toBe(true);
    expect(events).toEqual([]);
    peer.socket.resume();
    await until(() => peer.received.length === asked && events.length === 100);
    peer.socket.destroy();
  });

  it('a subscriber that does not read is closed when too much waits for it', async () => {
    const peer = new RawPeer(port);
    peer.send({ pattern: 'whoami', data: {}, id: 1 });
    await until(() => peer.received.length === 1);
    peer.socket.pause();
    const connection = connections[0]!;
    const body = pack('x'.repeat(500_000));
    let mostBytes = 0;
    for (let pushes = 0; pushes < 1_000 && !connection.closed; pushes++) {
      connection.respondShared(1, body);
      mostBytes = Math.max(mostBytes, connection.bufferedBytes);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect(connection.closed).toBe(true);
    expect(mostBytes).toBeLessThanOrEqual(LIMITS.maxBufferedBytes + 500_000);
    peer.socket.destroy();
  });

  it('a client has the same bound: it gives up on a server that does not read', async () => {
    const connection = await RpcConnection.connect({ host: '127.0.0.1', port, limits: { maxBufferedBytes: 100_000 } });
    const reason = new Promise<RegistryError>((resolve) => connection.onClose(resolve));
    for (let i = 0; i < 100; i++) connection.emit('note', 'x'.repeat(100_000));
    expect(await reason).toMatchObject({ code: 'OVERLOADED' });
  });

  it('connections above the bound are told so', async () => {
    const small = await startServer([TestController], { maxConnections: 2 });
    const [first, second] = [new RawPeer(small.port), new RawPeer(small.port)];
    await until(() => small.server.connectionCount === 2);
    const third = new RawPeer(small.port);
    await third.closed;
    expect(third.received).toEqual([{ err: expect.objectContaining({ code: 'OVERLOADED' }), isDisposed: true }]);
    first.send({ pattern: 'echo', data: 1, id: 1 });
    await until(() => first.received.length === 1);
    first.socket.destroy();
    second.socket.destroy();
    await small.app.close();
  });
});

describe('closing', () => {
  it('lets what was answered go out, and leaves nothing listening', async () => {
    const peer = new RawPeer(port);
    for (let i = 0; i < 20; i++) peer.send({ pattern: 'flood', data: 100_000, id: i });
    await until(() => peer.received.length > 0);
    await until(() => connections[0]!.inFlight === 0);
    await app.close();
    await peer.closed;
    expect(peer.received).toHaveLength(20);
    await expect(RpcConnection.connect({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
    });
  });

  it('does not wait for those who hold on', async () => {
    const peer = new RawPeer(port);
    await until(() => connections.length === 1);
    peer.socket.pause();
    connections[0]!.respondShared(1, pack('x'.repeat(900_000)));
    await app.close();
    expect(server.connectionCount).toBe(0);
    peer.socket.destroy();
  });

  it('a port in use is an error of listen', async () => {
    await expect(startServer([TestController], { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
