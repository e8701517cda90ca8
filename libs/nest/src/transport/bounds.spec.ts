import { connect as connectTcp } from 'node:net';
import type { RegistryError } from '#model';
import { RpcConnection } from '#client';
import { pack } from '#wire';
import { frameOf, LIMITS, seen, TestController, TestServer } from './test-controller.harness.js';
import { RawPeer, startServer, until } from './transport.harness.js';

const test = new TestServer();
beforeEach(() => test.start());
afterEach(() => test.stop());

describe('streams', () => {
  it('end when their connection closes: fifty that come and go leave nobody behind', async () => {
    for (let i = 0; i < 50; i++) {
      const connection = await test.connect();
      const items: unknown[] = [];
      for (let j = 0; j < 3; j++)
        connection.stream(
          'subscribe',
          {},
          { next: (item) => items.push(item), error: () => undefined, complete: () => undefined },
        );
      await until(() => items.length === 3);
      expect(seen.liveStreams).toBe(3);
      connection.close();
      await until(() => seen.liveStreams === 0);
    }
    expect(test.server.connectionCount).toBe(0);
    expect(test.connections.every((connection) => connection.inFlight === 0)).toBe(true);
  });

  it('are never begun when the connection closed before the handler was ready', async () => {
    const connection = await test.connect();
    connection.stream(
      'subscribe.late',
      {},
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    await connection.request('echo', 1);
    connection.close();
    await until(() => test.server.connectionCount === 0);
    seen.release();
    await until(() => test.connections[0]!.inFlight === 0);
    expect(seen.liveStreams).toBe(0);
  });

  it('share one listener on the socket, however many they are', async () => {
    const connection = await test.connect();
    await connection.request('echo', 1);
    const before = test.connections[0]!.socket.netSocket.listenerCount('close');
    let items = 0;
    for (let i = 0; i < 40; i++)
      connection.stream('subscribe', {}, { next: () => items++, error: () => undefined, complete: () => undefined });
    await until(() => items === 40);
    expect(test.connections[0]!.socket.netSocket.listenerCount('close')).toBe(before);
  });

  it('and requests in flight have a bound for each connection', async () => {
    const [greedy, modest] = [await test.connect(), await test.connect()];
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
    const innocent = await test.connect();
    const peer = new RawPeer(test.port);
    await until(() => test.connections.length === 2);
    peer.socket.pause();
    const slow = test.connections[1]!;
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
    expect(seen.events).toEqual([]);
    peer.socket.resume();
    await until(() => peer.received.length === asked && seen.events.length === 100);
    peer.socket.destroy();
  });

  it('a subscriber that does not read is closed when too much waits for it', async () => {
    const peer = new RawPeer(test.port);
    peer.send({ pattern: 'whoami', data: {}, id: 1 });
    await until(() => peer.received.length === 1);
    peer.socket.pause();
    const connection = test.connections[0]!;
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
    const connection = await RpcConnection.connect({
      host: '127.0.0.1',
      port: test.port,
      limits: { maxBufferedBytes: 100_000 },
    });
    const reason = new Promise<RegistryError>((resolve) => connection.onClose(resolve));
    for (let i = 0; i < 100; i++) connection.emit('note', 'x'.repeat(100_000));
    expect(await reason).toMatchObject({ code: 'OVERLOADED' });
  });

  it('a peer that does not close in its turn is dropped', async () => {
    const patient = await startServer([TestController], { limits: { lingerMs: 30 } });
    const peer = connectTcp({ host: '127.0.0.1', port: patient.port, allowHalfOpen: true });
    peer.on('error', () => undefined);
    peer.write(frameOf(pack(7)));
    await until(() => patient.server.connectionCount === 1);
    await until(() => patient.server.connectionCount === 0);
    expect(peer.destroyed).toBe(false);
    peer.destroy();
    await patient.app.close();
  });

  it('a connection that is opened and never used is closed, one that is used stays', async () => {
    const strict = await startServer([TestController], { firstMessageTimeoutMs: 50 });
    const used = new RawPeer(strict.port);
    used.send({ pattern: 'echo', data: 1, id: 1 });
    const idle = new RawPeer(strict.port);
    await idle.closed;
    expect(idle.received).toEqual([{ err: expect.objectContaining({ code: 'DEADLINE_EXCEEDED' }), isDisposed: true }]);
    used.send({ pattern: 'echo', data: 2, id: 2 });
    await until(() => used.received.length === 2);
    used.socket.destroy();
    await strict.app.close();
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
