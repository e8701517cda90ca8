import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { OwnSockets } from './own-sockets.js';

it('cuts the connections that were opened since, and no others', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = async (): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return socket;
  };
  const before = await open();
  const sockets = new OwnSockets();
  const [first, second] = [await open(), await open()];
  second.destroy();
  await once(second, 'close');
  expect(sockets.count).toBe(1);
  const error = new Promise((resolve) => first.once('error', resolve));
  expect(sockets.cut()).toBe(1);
  await expect(error).resolves.toMatchObject({ code: 'ECONNRESET' });
  expect([first.destroyed, before.destroyed]).toEqual([true, false]);
  sockets.stop();
  const after = await open();
  expect(sockets.cut()).toBe(0);
  for (const socket of [before, after]) socket.destroy();
  server.close();
  await once(server, 'close');
});
