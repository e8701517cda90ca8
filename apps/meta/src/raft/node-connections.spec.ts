import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { FramedSocket } from '#wire';
import { NodeConnections } from './node-connections.js';

interface Request {
  id: string;
  data: { silent?: boolean };
}

/** A node that answers how many connections it has taken by then, unless it is asked to be silent. */
class Node {
  readonly sockets = new Set<Socket>();
  taken = 0;
  private held: (() => void)[] = [];
  private server!: Server;

  async listen(port = 0): Promise<string> {
    this.server = createServer((socket) => this.take(socket)).listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers what it was silent about. */
  speak(): void {
    for (const answer of this.held.splice(0)) answer();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async allGone(): Promise<void> {
    for (const socket of this.sockets) if (!socket.closed) await once(socket, 'close');
  }

  private take(socket: Socket): void {
    const number = ++this.taken;
    this.sockets.add(socket);
    const framed = new FramedSocket(socket, {
      onMessage: (message) => {
        const { id, data } = message as Request;
        const answer = (): void => framed.send({ id, response: number, isDisposed: true });
        if (data.silent) this.held.push(answer);
        else answer();
      },
      onFault: () => framed.abort(),
    });
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => framed.receive(chunk));
  }
}

describe('connections to other nodes', () => {
  let node: Node;
  let address: string;
  let connections: NodeConnections;

  beforeEach(async () => {
    node = new Node();
    address = await node.listen();
    connections = new NodeConnections();
  });

  afterEach(async () => {
    connections.close();
    await node.close();
  });

  const ask = (data: Request['data'] = {}, timeoutMs = 10_000): Promise<unknown> =>
    connections.request(address, 'any', data, timeoutMs);

  it('are one to each, however many ask at once or later', async () => {
    expect(await Promise.all(Array.from({ length: 50 }, () => ask()))).toEqual(Array.from({ length: 50 }, () => 1));
    expect(await ask()).toBe(1);
    expect(node.taken).toBe(1);
  });

  it('are opened anew where they have broken', async () => {
    await ask();
    const answer = ask({ silent: true });
    for (const socket of node.sockets) socket.destroy();
    await expect(answer).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(await ask()).toBe(2);
  });

  it('are opened anew after a silence, and the old one lasts until its other answers have come', async () => {
    const other = ask({ silent: true });
    await expect(ask({ silent: true }, 1)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await ask()).toBe(2);
    node.speak();
    expect(await other).toBe(1);
    const [first] = node.sockets;
    if (!first!.closed) await once(first!, 'close');
    expect(await ask()).toBe(2);
  });

  it('say that nothing was asked where nobody can be reached, and try again', async () => {
    const port = Number(address.split(':')[1]);
    await node.close();
    for (let i = 0; i < 2; i++)
      await expect(ask()).rejects.toMatchObject({ code: 'NO_LEADER', details: { leader: address } });
    await expect(connections.request('nowhere', 'any', {}, 1_000)).rejects.toMatchObject({ code: 'NO_LEADER' });
    node = new Node();
    await node.listen(port);
    expect(await ask()).toBe(1);
  });

  it('end together', async () => {
    await ask();
    connections.close();
    await node.allGone();
    expect(node.taken).toBe(1);
  });
});
