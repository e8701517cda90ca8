import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { systemEnv } from '#client';
import type { NodeId, RaftMessage } from '#consensus';
import { PROTOCOL_VERSION } from '#model';
import { Links, RollcallServer, createLogger } from '#nest';
import { RaftLinks } from './links.js';

/** One node's links on a port of its own, which may stop listening and listen again. */
class End {
  readonly received: { from: NodeId; message: RaftMessage }[] = [];
  readonly unreachable: NodeId[] = [];
  readonly supersededBy: number[] = [];
  links!: RaftLinks;
  private server!: RollcallServer;
  private heard: (() => void)[] = [];

  constructor(
    readonly id: NodeId,
    private readonly peers: NodeId[],
    private readonly clusterId?: string,
    private readonly era = 0,
  ) {}

  async start(): Promise<this> {
    const logger = createLogger({ tier: 'meta', level: 'error', format: 'json' });
    this.links = new RaftLinks({
      featureLevel: 1,
      id: this.id,
      peers: this.peers,
      env: systemEnv(),
      logger,
      era: () => this.era,
      onSuperseded: ({ era }) => {
        this.supersededBy.push(era);
        this.tell();
      },
    });
    this.links.clusterId = this.clusterId;
    this.links.transport.onMessage((from, message) => {
      this.received.push({ from, message });
      this.tell();
    });
    this.links.transport.onUnreachable((peer) => {
      this.unreachable.push(peer);
      this.tell();
    });
    const [host, port] = this.id.split(':');
    this.server = new RollcallServer({ host: host!, port: Number(port) });
    this.links.accept(this.server);
    await new Promise<void>((resolve, reject) => this.server.listen((error) => (error ? reject(error) : resolve())));
    this.links.transport.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.links.close();
    await this.server.close();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.heard.push(resolve));
  }

  private tell(): void {
    for (const resolve of this.heard.splice(0)) resolve();
  }
}

describe('links between meta nodes', () => {
  const ends: End[] = [];
  let a: NodeId;
  let b: NodeId;

  beforeEach(async () => {
    [a, b] = await Promise.all([freeAddress(), freeAddress()]);
  });

  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end.stop()));
  });

  async function start(id: NodeId, peers: NodeId[], clusterId?: string, era?: number): Promise<End> {
    const end = await new End(id, peers, clusterId, era).start();
    ends.push(end);
    return end;
  }

  const ping = (term: number): RaftMessage => ({ kind: 'timeoutNow', term });
  const terms = (end: End): number[] => end.received.map(({ message }) => message.term);

  it('carry messages both ways in order, the first ones too, and say who sent them', async () => {
    // Neither knows of the other before it sends.
    const [one, two] = [await start(a, [a]), await start(b, [b])];
    const bytes = new Uint8Array(3_000_000).fill(7);
    const entry = { kind: 'command' as const, index: 1, term: 1, payload: bytes };
    const append = {
      kind: 'append',
      term: 1,
      previousIndex: 0,
      previousTerm: 0,
      entries: [entry],
      commit: 0,
      round: 1,
    };
    for (let term = 1; term <= 20; term++) one.links.transport.send(b, ping(term));
    two.links.transport.send(a, append as RaftMessage);
    await two.until(() => two.received.length === 20);
    expect(terms(two)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(new Set(two.received.map(({ from }) => from))).toEqual(new Set([a]));
    await one.until(() => one.received.length > 0);
    const [{ from, message }] = one.received as [{ from: NodeId; message: Extract<RaftMessage, { kind: 'append' }> }];
    const [{ payload }] = message.entries as [typeof entry];
    expect(from).toBe(b);
    // Byte by byte, jest would take seconds.
    expect(Buffer.compare(payload, bytes)).toBe(0);
  });

  it('mend when the peer comes back, tell of what was lost, and bring nothing old', async () => {
    const one = await start(a, [a, b]);
    let two = await start(b, [a, b]);
    await repeatedly(
      () => one.links.transport.send(b, ping(1)),
      () => two.until(() => two.received.length > 0),
    );
    await two.stop();
    ends.splice(ends.indexOf(two), 1);
    await one.until(() => one.unreachable.includes(b));
    // Dropped for want of a link, or lost with one.
    for (let term = 2; term < 100; term++) one.links.transport.send(b, ping(term));
    await one.until(() => one.unreachable.length >= 3);
    two = await start(b, [a, b]);
    two.links.transport.send(a, ping(100));
    await one.until(() => terms(one).includes(100));
    // Whoever speaks is dialled at once.
    await repeatedly(
      () => one.links.transport.send(b, ping(101)),
      () => two.until(() => two.received.length > 0),
    );
    expect(terms(two)[0]).toBe(101);
  });

  it('do not form between nodes of different clusters', async () => {
    const one = await start(a, [a, b], 'one');
    const two = await start(b, [a, b], 'another');
    one.links.transport.send(b, ping(1));
    await one.until(() => one.unreachable.includes(b));
    two.links.transport.send(a, ping(1));
    await two.until(() => two.unreachable.includes(a));
    expect([one.received, two.received]).toEqual([[], []]);
  });

  it('do not form between eras of one cluster, and the node of the earlier one is told that it is over', async () => {
    const old = await start(a, [a, b], 'one', 5);
    const later = await start(b, [b], 'one', 6);
    old.links.transport.send(b, ping(1));
    await old.until(() => old.supersededBy.includes(6) && old.unreachable.includes(b));
    later.links.transport.send(a, ping(2));
    await later.until(() => later.unreachable.includes(a));
    expect([old.received, later.received, later.supersededBy]).toEqual([[], [], []]);
  });

  it('do not form between eras, and nobody is over, while they are not known to be of one cluster', async () => {
    const old = await start(a, [a, b], undefined, 5);
    const later = await start(b, [b], 'one', 6);
    old.links.transport.send(b, ping(1));
    await old.until(() => old.unreachable.includes(b));
    expect([old.supersededBy, later.received]).toEqual([[], []]);
  });

  it('take nothing that is not of Raft, or meant for another node', async () => {
    const two = await start(b, [b]);
    const stranger = new Links<object, never>({
      name: 'raft',
      hello: () => ({ protocol: PROTOCOL_VERSION, role: 'meta', incarnation: 'stranger' }),
      onEvent: (event) => {
        if (event.type === 'linkDown') closed();
        if (event.type !== 'linkUp') return;
        const { link } = event;
        stranger.perform({ type: 'send', link, message: { from: a, to: 'another', message: ping(1) } });
        stranger.perform({ type: 'send', link, message: { from: a, to: b, message: ping(2) } });
        stranger.perform({ type: 'send', link, message: { from: a, to: b, message: { kind: 'append', term: 3 } } });
        stranger.perform({ type: 'send', link, message: { from: a, to: b, message: ping(4) } });
      },
    });
    let closed = (): void => {};
    const end = new Promise<void>((resolve) => (closed = resolve));
    stranger.perform({ type: 'dial', address: b });
    await end;
    expect(terms(two)).toEqual([2]);
    await stranger.close();
  });
});

/** Sends again and again, as Raft does, until `done`. */
async function repeatedly(send: () => void, done: () => Promise<void>): Promise<void> {
  const timer = setInterval(send, 5);
  await done();
  clearInterval(timer);
}

async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}
