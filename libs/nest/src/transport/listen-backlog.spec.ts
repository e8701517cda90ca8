import { existsSync, readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { startServer, until } from './transport.harness.js';

/** More than wait by Node's default. */
const CLIENTS = 700;

/** Where it can be read. */
const SOMAXCONN = '/proc/sys/net/core/somaxconn';
const isAllowed = existsSync(SOMAXCONN) && Number(readFileSync(SOMAXCONN, 'utf8')) > CLIENTS;

(isAllowed ? describe : describe.skip)('connections that all come before the server accepts the first', () => {
  it('all wait for it: none is dropped, to be tried again after those that came later', async () => {
    const { app, server } = await startServer([]);
    const sockets: Socket[] = [];
    const connected: (number | 'later')[] = [];
    const dial = (name: number | 'later'): Socket => {
      const socket = connectTcp({ host: '127.0.0.1', port: server.address.port }, () => connected.push(name));
      sockets.push(socket);
      return socket;
    };
    // All dial in this turn of the event loop, and accepting is for the next.
    for (let i = 0; i < CLIENTS; i++) dial(i);
    sockets[0]!.once('connect', () => dial('later'));
    await until(() => connected.length > CLIENTS);
    expect(connected.at(-1)).toBe('later');
    for (const socket of sockets) socket.destroy();
    await app.close();
  });
});
