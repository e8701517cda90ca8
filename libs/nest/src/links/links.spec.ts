import type { INestMicroservice } from '@nestjs/common';
import { connect } from 'node:net';
import { type LinkEvent, type LinkId, type PeerHello, PROTOCOL_VERSION } from '#model';
import { RpcConnection } from '#client';
import type { RollcallServer, RollcallServerOptions } from '../transport/rollcall-server.js';
import { RawPeer, startServer, until } from '../transport/transport.harness.js';
import { Links, type LinksOptions } from './links.js';

interface Message {
  kind: string;
  [field: string]: unknown;
}
type Event = LinkEvent<Message>;

/** One end of links, and all that it was told. */
class End {
  readonly events: Event[] = [];
  readonly links: Links<Message, Message>;
  hello: PeerHello;

  constructor(hello: Partial<PeerHello>, options: Partial<LinksOptions<Message>> = {}) {
    this.hello = { protocol: PROTOCOL_VERSION, role: 'data', incarnation: 'i', ...hello };
    this.links = new Links<Message, Message>({
      hello: () => this.hello,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
  }

  of<Type extends Event['type']>(type: Type): Extract<Event, { type: Type }>[] {
    return this.events.filter((event): event is Extract<Event, { type: Type }> => event.type === type);
  }

  received(): Message[] {
    return this.of('received').map((event) => event.message);
  }

  async up(count = 1): Promise<LinkId> {
    await until(() => this.of('linkUp').length >= count);
    return this.of('linkUp')[count - 1]!.link;
  }

  send(link: LinkId, message: Message): void {
    this.links.perform({ type: 'send', link, message });
  }
}

let app: INestMicroservice;
let server: RollcallServer;
let address: string;
let acceptor: End;
let dialler: End;

async function listen(options: Partial<RollcallServerOptions> = {}): Promise<void> {
  ({ app, server } = await startServer([], {
    drainMs: 200,
    ...options,
    beforeListen: (it) => acceptor.links.accept(it),
  }));
  address = `127.0.0.1:${server.address.port}`;
}

async function linked(): Promise<{ out: LinkId; in: LinkId }> {
  dialler.links.perform({ type: 'dial', address });
  return { out: await dialler.up(), in: await acceptor.up() };
}

beforeEach(async () => {
  acceptor = new End({ role: 'data', incarnation: 'acceptor', clusterId: 'c1' });
  dialler = new End({ role: 'session', incarnation: 'dialler' });
  await listen();
});

afterEach(async () => {
  await dialler.links.close();
  await acceptor.links.close();
  await app.close();
});

describe('a link', () => {
  it('begins with a hello each way', async () => {
    await linked();
    expect(dialler.events).toEqual([
      { type: 'linkUp', link: expect.any(Number), direction: 'out', address, hello: acceptor.hello },
    ]);
    expect(acceptor.events).toEqual([
      { type: 'linkUp', link: expect.any(Number), direction: 'in', address: expect.any(String), hello: dialler.hello },
    ]);
    expect(dialler.of('linkUp')[0]!.link).not.toBe(acceptor.of('linkUp')[0]!.link);
  });

  it('carries messages both ways, in order, each as it was when it was sent', async () => {
    const link = await linked();
    const message: Message = { kind: 'counted', n: 0 };
    for (; (message['n'] as number) < 2_000; message['n'] = (message['n'] as number) + 1) {
      dialler.send(link.out, message);
      acceptor.send(link.in, message);
      if ((message['n'] as number) % 300 === 0) await new Promise(setImmediate);
    }
    await until(() => acceptor.received().length === 2_000 && dialler.received().length === 2_000);
    const expected = Array.from({ length: 2_000 }, (_, n) => ({ kind: 'counted', n }));
    expect(acceptor.received()).toEqual(expected);
    expect(dialler.received()).toEqual(expected);
  });

  it('carries what is sent in answer to linkUp, behind the hello', async () => {
    const eager = new End(
      { role: 'meta', incarnation: 'eager' },
      {
        onEvent: (event) => {
          if (event.type === 'linkUp') eager.send(event.link, { kind: 'first' });
        },
      },
    );
    const second = await startServer([], { beforeListen: (it) => eager.links.accept(it) });
    dialler.links.perform({ type: 'dial', address: `127.0.0.1:${second.server.address.port}` });
    await until(() => dialler.received().length === 1);
    expect(dialler.events.map((event) => event.type)).toEqual(['linkUp', 'received']);
    await dialler.links.close();
    await second.app.close();
  });

  it('sends what one tick brings as one frame, and large messages in several', async () => {
    const link = await linked();
    const inbound = await RpcConnection.connect({ host: '127.0.0.1', port: server.address.port });
    const batches: unknown[] = [];
    inbound.stream('link.open', dialler.hello, {
      next: (item) => batches.push(item),
      error: () => undefined,
      complete: () => undefined,
    });
    const second = await acceptor.up(2);
    for (let n = 0; n < 100; n++) acceptor.send(second, { kind: 'small', n });
    await until(() => batches.length === 2);
    expect(batches[1]).toHaveLength(100);
    inbound.close();

    const text = 'x'.repeat(700_000);
    const huge = { kind: 'huge', list: Array.from({ length: 30 }, (_, n) => `${n}${text}`) };
    for (let n = 0; n < 3; n++) dialler.send(link.out, { kind: 'large', n, text });
    dialler.send(link.out, huge);
    dialler.send(link.out, { kind: 'after' });
    await until(() => acceptor.received().length === 5);
    expect(acceptor.received().map((message) => message.kind)).toEqual(['large', 'large', 'large', 'huge', 'after']);
    expect(acceptor.received()[3]).toEqual(huge);
  });

  it('goes down once on both sides when one side hangs up, after what was sent before', async () => {
    const link = await linked();
    dialler.send(link.out, { kind: 'last words' });
    dialler.links.perform({ type: 'hangUp', link: link.out, reason: 'done' });
    expect(dialler.of('linkDown')).toEqual([]);
    dialler.send(link.out, { kind: 'too late' });
    dialler.links.perform({ type: 'hangUp', link: link.out, reason: 'again' });
    await until(() => acceptor.of('linkDown').length === 1 && dialler.of('linkDown').length === 1);
    expect(acceptor.received()).toEqual([{ kind: 'last words' }]);
    await until(() => server.connectionCount === 0);
    expect(dialler.events.map((event) => event.type)).toEqual(['linkUp', 'linkDown']);
    expect(acceptor.events.map((event) => event.type)).toEqual(['linkUp', 'received', 'linkDown']);
  });

  it('goes down on both sides when the accepting side hangs up', async () => {
    const link = await linked();
    acceptor.send(link.in, { kind: 'last words' });
    acceptor.links.perform({ type: 'hangUp', link: link.in, reason: 'done' });
    await until(() => dialler.of('linkDown').length === 1 && acceptor.of('linkDown').length === 1);
    expect(dialler.received()).toEqual([{ kind: 'last words' }]);
  });

  it('can be dialled again, as another link', async () => {
    const first = await linked();
    await app.close();
    await until(() => dialler.of('linkDown').length === 1);
    await listen();
    dialler.links.perform({ type: 'dial', address });
    const again = await dialler.up(2);
    expect(again).not.toBe(first.out);
    dialler.send(again, { kind: 'hello again' });
    await until(() => acceptor.received().length === 1);
  });

  it('serves one instance in both roles', async () => {
    const meta = new End({ role: 'meta', incarnation: 'meta' });
    const metaServer = await startServer([], { beforeListen: (it) => meta.links.accept(it) });
    await linked();
    acceptor.links.perform({ type: 'dial', address: `127.0.0.1:${metaServer.server.address.port}` });
    await acceptor.up(2);
    expect(acceptor.of('linkUp').map((event) => [event.direction, event.hello.role])).toEqual([
      ['in', 'session'],
      ['out', 'meta'],
    ]);
    await acceptor.links.close();
    await metaServer.app.close();
  });

  it('is closed when its peer does not read and too much waits for it', async () => {
    await acceptor.links.close();
    await app.close();
    acceptor = new End({ incarnation: 'acceptor' }, { limits: { maxBufferedBytes: 3_000_000 } });
    await listen();
    const deaf = new RawPeer(server.address.port);
    deaf.send({ pattern: 'link.open', data: dialler.hello, id: 1 });
    const link = await acceptor.up();
    deaf.socket.pause();
    for (let n = 0; n < 1_000 && acceptor.of('linkDown').length === 0; n++) {
      acceptor.send(link, { kind: 'push', text: 'x'.repeat(100_000) });
      await new Promise(setImmediate);
    }
    expect(acceptor.of('linkDown')).toHaveLength(1);
    deaf.socket.destroy();
  });
});

describe('a dial', () => {
  const failed = async (address_: string): Promise<Extract<Event, { type: 'dialFailed' }>> => {
    dialler.links.perform({ type: 'dial', address: address_ });
    expect(dialler.events).toEqual([]);
    await until(() => dialler.events.length === 1);
    return dialler.events[0] as Extract<Event, { type: 'dialFailed' }>;
  };

  it('is refused where nobody listens', async () => {
    await app.close();
    expect(await failed(address)).toMatchObject({ type: 'dialFailed', address, reason: 'refused' });
  });

  it('fails as unreachable for an address that is none', async () => {
    expect(await failed('not-an-address')).toMatchObject({ reason: 'unreachable' });
  });

  it('fails as unreachable where somebody listens and says nothing', async () => {
    dialler = new End({}, { limits: { helloTimeoutMs: 50 } });
    const { createServer } = await import('node:net');
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const { port } = silent.address() as { port: number };
    expect(await failed(`127.0.0.1:${port}`)).toMatchObject({ reason: 'unreachable' });
    silent.close();
  });

  it('is rejected by a server that keeps no links', async () => {
    const plain = await startServer([]);
    expect(await failed(`127.0.0.1:${plain.server.address.port}`)).toMatchObject({ reason: 'rejected' });
    await plain.app.close();
  });

  it.each([
    ['another protocol', { protocol: PROTOCOL_VERSION + 1 }, 'UNSUPPORTED_PROTOCOL', /Protocol/],
    ['another cluster', { clusterId: 'c2' }, 'CLUSTER_MISMATCH', /cluster c2/],
    ['no incarnation', { incarnation: '' }, 'BAD_REQUEST', /incarnation/],
    ['no role of ours', { role: 'spy' as never }, 'BAD_REQUEST', /role/],
  ])('is rejected for a hello with %s, and the server goes on', async (_name, hello, code, message) => {
    dialler = new End({ role: 'session', incarnation: 'dialler', ...hello });
    expect(await failed(address)).toMatchObject({ reason: 'rejected', code, message: expect.stringMatching(message) });
    expect(acceptor.events).toEqual([]);
    dialler = new End({ role: 'session', incarnation: 'dialler', clusterId: 'c1' });
    await linked();
  });

  it('is rejected by the role where only some are welcome', async () => {
    await acceptor.links.close();
    await app.close();
    acceptor = new End({ role: 'meta', incarnation: 'acceptor' }, { acceptRoles: ['data'] });
    await listen();
    expect(await failed(address)).toMatchObject({ reason: 'rejected' });
  });

  it('comes to nothing, silently, when all is hung up meanwhile', async () => {
    dialler.links.perform({ type: 'dial', address });
    dialler.links.hangUpAll('restart');
    dialler.links.perform({ type: 'dial', address });
    await dialler.up();
    await until(() => server.connectionCount === 1);
    expect(dialler.events).toHaveLength(1);
  });

  it('and links are forgotten without an event by hangUpAll', async () => {
    const link = await linked();
    dialler.links.perform({ type: 'hangUp', link: link.out, reason: 'just before' });
    dialler.links.hangUpAll('restart');
    await until(() => acceptor.of('linkDown').length === 1);
    expect(dialler.of('linkDown')).toEqual([]);
  });
});

describe('bad input on a link', () => {
  it('closes the connection it came over, and no other', async () => {
    const link = await linked();
    const hello = { pattern: 'link.open', data: dialler.hello, id: 1 };
    const inputs: [string, unknown[]][] = [
      ['BAD_REQUEST', [{ pattern: 'link.send', data: [{ kind: 'no hello' }] }]],
      ['BAD_FRAME', [hello, { pattern: 'link.send', data: 'no list' }]],
      ['BAD_FRAME', [hello, { pattern: 'link.send', data: [{ kind: 'fine' }, 'no message'] }]],
      ['BAD_FRAME', [hello, { pattern: 'link.send', data: [new Uint8Array([0xc1]), true] }]],
    ];
    for (const [code, packets] of inputs) {
      const peer = new RawPeer(server.address.port);
      for (const packet of packets) peer.send(packet);
      await peer.closed;
      expect(peer.received.at(-1)).toMatchObject({ err: { code } });
    }
    await until(() => acceptor.of('linkDown').length === 3);
    dialler.send(link.out, { kind: 'still here' });
    await until(() => acceptor.received().some((message) => message.kind === 'still here'));
  });

  it('a second hello is refused, and the link stays', async () => {
    const peer = new RawPeer(server.address.port);
    peer.send({ pattern: 'link.open', data: dialler.hello, id: 1 });
    peer.send({ pattern: 'link.open', data: dialler.hello, id: 2 });
    peer.send({ pattern: 'link.send', data: [{ kind: 'fine' }] });
    await until(() => acceptor.received().length === 1);
    await until(() => peer.received.length === 2);
    expect(peer.received[1]).toMatchObject({ id: 2, err: { code: 'BAD_REQUEST' } });
    peer.socket.destroy();
  });

  it('a peer that vanishes takes down its link alone', async () => {
    await linked();
    const peer = connect({ host: '127.0.0.1', port: server.address.port });
    await until(() => server.connectionCount === 2);
    peer.resetAndDestroy();
    await until(() => server.connectionCount === 1);
    expect(acceptor.of('linkDown')).toEqual([]);
  });
});
