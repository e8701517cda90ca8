import type { RpcConnection } from '#client';
import { pack } from '#wire';
import { frameOf, LIMITS, seen, TestController, TestServer } from './test-controller.harness.js';
import { RawPeer, startServer, until } from './transport.harness.js';

const test = new TestServer();
beforeEach(() => test.start({ frameTimeoutMs: 100 }));
afterEach(() => test.stop());

describe('bad input', () => {
  /** Somebody else on the same server, whom nothing of this may touch. */
  let innocent: RpcConnection;
  const pushed: unknown[] = [];
  beforeEach(async () => {
    innocent = await test.connect();
    pushed.length = 0;
    innocent.stream(
      'subscribe',
      {},
      { next: (item) => pushed.push(item), error: () => pushed.push('closed'), complete: () => undefined },
    );
    await until(() => pushed.length === 1);
  });
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
    const peer = new RawPeer(test.port);
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
    const peer = new RawPeer(test.port);
    await until(() => test.connections.length === 2);
    peer.socket.end(frameOf(Buffer.alloc(100), 200));
    await peer.closed;
    await until(() => test.server.connectionCount === 1);
    expect(await innocent.request('echo', 'unharmed')).toBe('unharmed');
  });

  it('a slow frame is no fault, as long as it is completed in time', async () => {
    const patient = await startServer([TestController]);
    const peer = new RawPeer(patient.port);
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
    await patient.app.close();
  });

  it('an unknown pattern is answered to the caller, whose connection stays', async () => {
    const connection = await test.connect();
    await expect(connection.request('nothing.here', {})).rejects.toMatchObject({
      code: 'UNKNOWN_PATTERN',
      details: { pattern: 'nothing.here' },
    });
    connection.emit('nothing.here', {});
    for (const pattern of ['__proto__', 'constructor', '', '{', '{"cmd":"nope"}', '{'.repeat(5000)])
      await expect(connection.request(pattern, {})).rejects.toMatchObject({ code: 'UNKNOWN_PATTERN' });
    expect(await connection.request('echo', 1)).toBe(1);
  });

  it('what follows bad input on the same connection is not looked at', async () => {
    const peer = new RawPeer(test.port);
    peer.socket.write(Buffer.concat([frameOf(pack(7)), frameOf(pack({ pattern: 'note', data: 'ignored' }))]));
    await peer.closed;
    expect(seen.events).toEqual([]);
  });
});
