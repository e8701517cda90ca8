import { createServer, type Server, type Socket } from 'node:net';
import type { RegistryError } from '#model';
import { encodeFrame, FramedSocket } from '#wire';
import { RpcConnection } from './rpc-connection.js';

/** A server of a few lines: what a connection says to it is in `messages`, what it says back is up to the test. */
let server: Server;
let port: number;
let sockets: FramedSocket[];
let messages: unknown[];
let chunks: number;
let onMessage: (message: Record<string, unknown>, socket: FramedSocket) => void;

beforeEach(async () => {
  sockets = [];
  messages = [];
  chunks = 0;
  onMessage = () => undefined;
  server = createServer((socket: Socket) => {
    const framed = new FramedSocket(socket, {
      onMessage: (message) => {
        messages.push(message);
        onMessage(message as Record<string, unknown>, framed);
      },
      onFault: () => framed.abort(),
    });
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      chunks++;
      framed.receive(chunk);
    });
    sockets.push(framed);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ({ port } = server.address() as { port: number });
});

afterEach(async () => {
  for (const socket of sockets) socket.abort();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

const connect = (): Promise<RpcConnection> => RpcConnection.connect({ host: '127.0.0.1', port });
const closed = (connection: RpcConnection): Promise<RegistryError> =>
  new Promise((resolve) => connection.onClose(resolve));

describe('a connection', () => {
  it('sends what one tick brings in one write', async () => {
    const connection = await connect();
    onMessage = (message, socket) => {
      if (message['pattern'] === 'last') socket.send({ id: message['id'], response: 'done', isDisposed: true });
    };
    const requests = Array.from({ length: 100 }, (_, n) => connection.request('any', { n }));
    for (const request of requests) request.catch(() => undefined);
    for (let n = 0; n < 100; n++) connection.emit('event', { n });
    expect(await connection.request('last', {})).toBe('done');
    expect(messages).toHaveLength(201);
    expect(chunks).toBe(1);
    connection.close();
  });

  it('keeps answers apart, and ignores those that nobody waits for', async () => {
    const connection = await connect();
    onMessage = (message, socket) => {
      socket.send({ id: 4711, response: 'for nobody', isDisposed: true });
      socket.send({ id: 'text', response: 'for nobody', isDisposed: true });
      if (message['pattern'] === 'second')
        for (const { id, pattern } of messages as { id: number; pattern: string }[])
          socket.send({ id, response: pattern, isDisposed: true });
    };
    const first = connection.request('first', {});
    const second = connection.request('second', {});
    expect(await Promise.all([first, second])).toEqual(['first', 'second']);
    connection.close();
  });

  it('stops listening to a stream without a word to the server', async () => {
    const connection = await connect();
    onMessage = (message, socket) => {
      if (message['pattern'] === 'stream') for (let n = 0; n < 5; n++) socket.send({ id: message['id'], response: n });
      else socket.send({ id: message['id'], response: 'done', isDisposed: true });
    };
    const items: unknown[] = [];
    const stop = connection.stream(
      'stream',
      {},
      {
        next: (item) => {
          items.push(item);
          if (item === 2) stop();
        },
        error: (error) => items.push(error),
        complete: () => items.push('complete'),
      },
    );
    await connection.request('after', {});
    expect(items).toEqual([0, 1, 2]);
    expect(messages).toHaveLength(2);
    connection.close();
  });

  it('ends a stream when the server does, with the last item if there is one', async () => {
    const connection = await connect();
    onMessage = (message, socket) => {
      socket.send({ id: message['id'], response: 'only', isDisposed: true });
      socket.send({ id: message['id'], response: 'too late' });
    };
    const items: unknown[] = [];
    await new Promise<void>((resolve) => {
      connection.stream(
        'stream',
        {},
        {
          next: (item) => items.push(item),
          error: (error) => items.push(error),
          complete: resolve,
        },
      );
    });
    expect(items).toEqual(['only']);
    connection.close();
  });

  it.each([
    ['is no frame of ours', Buffer.from([0, 0, 0, 1, 0xc1]), 'BAD_FRAME'],
    ['is too large', Buffer.from([0xff, 0xff, 0xff, 0xff]), 'FRAME_TOO_LARGE'],
    ['is a message but no answer', encodeFrame({ pattern: 'me too' }), 'BAD_FRAME'],
    [
      'is a fault of ours',
      encodeFrame({ err: { code: 'FRAME_INCOMPLETE', message: 'm' }, isDisposed: true }),
      'FRAME_INCOMPLETE',
    ],
  ])('is closed when what the server sends %s, and says why', async (_name, bytes, code) => {
    const connection = await connect();
    onMessage = (_message, socket) => socket.socket.end(bytes);
    const request = connection.request('any', {}).catch((error: unknown) => error);
    expect((await closed(connection)).code).toBe(code);
    expect(await request).toMatchObject({ code });
    expect(connection.closed).toBe(true);
  });

  it('gives up on an address that does not answer', async () => {
    // A server that never completes a TLS handshake is as silent as one that is not there.
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const { port: silentPort } = silent.address() as { port: number };
    const attempt = RpcConnection.connect({ host: '127.0.0.1', port: silentPort, tls: {}, connectTimeoutMs: 30 });
    await expect(attempt).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    silent.close();
  });

  it('sends what is waiting before it closes', async () => {
    const connection = await connect();
    for (let n = 0; n < 50; n++) connection.emit('event', { n });
    connection.close();
    connection.emit('event', 'too late');
    expect((await closed(connection)).code).toBe('CONNECTION_CLOSED');
    expect(messages).toHaveLength(50);
  });

  it('refuses to send what cannot be encoded, and goes on', async () => {
    const connection = await connect();
    onMessage = (message, socket) => socket.send({ id: message['id'], response: 1, isDisposed: true });
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    await expect(connection.request('any', cycle)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(await connection.request('any', {})).toBe(1);
    connection.close();
  });
});
