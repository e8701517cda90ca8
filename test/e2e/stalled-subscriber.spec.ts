import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type Publisher, RegistryClient, type Subscriber } from '#client';
import type { Push } from '#model';
import type { TracedWay } from '#registry';
import { FrameDecoder, encodeFrame, unpack } from '#wire';
import { http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';

const OTHERS = 20;
/** Beside what changes, so that each push is 1 MB and the kernel, which keeps some MB for a reader that does not read, is soon full. */
const BALLAST = 16;
const VALUE = 'x'.repeat(64_000);
/** Changes in a row with the reader at a standstill, after which that is taken to last. */
const HELD_CHANGES = 30;
/** More would be some hundred MB pushed to somebody who does not read. */
const MOST_CHANGES = 200;

/** A subscriber on a bare socket that can stop reading, and keeps what it is shown. */
class Reader {
  /** Of each subscription the changing value of each list, newest last. */
  readonly seen = new Map<string, number[]>();
  private readonly decoder = new FrameDecoder();

  static async open(address: string, acks: boolean): Promise<Reader> {
    const [host, port] = address.split(':');
    const socket = connect({ host: host!, port: Number(port) });
    await once(socket, 'connect');
    return new Reader(socket, acks);
  }

  private constructor(
    readonly socket: Socket,
    private readonly acks: boolean,
  ) {
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => undefined);
  }

  subscribe(dataId: string): void {
    this.seen.set(dataId, []);
    const data = { dataId, subscriptionId: dataId, acks: this.acks };
    this.socket.write(encodeFrame({ pattern: 'registry.subscribe', data, id: dataId }));
  }

  async until(dataId: string, value: number): Promise<void> {
    while (this.seen.get(dataId)!.at(-1) !== value) await once(this.socket, 'data');
  }

  private read(chunk: Buffer): void {
    this.decoder.push(chunk, 0);
    for (let frame = this.decoder.next(); frame; frame = this.decoder.next()) {
      const { id, response } = unpack(frame) as { id: string; response: Push };
      if (response.type !== 'snapshot') continue;
      const values = response.publishers.map(({ data }) => data[0]!).filter((value) => value !== VALUE);
      this.seen.get(id)!.push(...values.map(Number));
      if (!this.acks) continue;
      const data = { subscriptionId: id, version: response.version };
      this.socket.write(encodeFrame({ pattern: 'registry.ack', data }));
    }
  }
}

function showing(subscriber: Subscriber, value: string): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (subscriber.current().publishers[0]?.data[0] !== value) return;
      subscriber.off('change', check);
      resolve();
    };
    subscriber.on('change', check);
    check();
  });
}

describe.each([
  ['acknowledges what it has read', true],
  ['never acknowledges anything', false],
])('a subscriber that stops reading, and %s', (_, acks) => {
  let tiers: Tiers;
  let client: RegistryClient;
  let others: RegistryClient[];
  let reader: Reader;

  beforeAll(async () => {
    tiers = await startTiers();
    const make = (): RegistryClient => new RegistryClient({ seeds: [tiers.session.rpcAddress] });
    client = make();
    others = Array.from({ length: OTHERS }, make);
    reader = await Reader.open(tiers.session.rpcAddress, acks);
  });

  afterAll(async () => {
    reader.socket.destroy();
    await Promise.all([client, ...others].map((each) => each.close({ drain: false })));
    await tiers.close();
  });

  /** What keeps the change that was published last from its only subscriber; undefined if nothing does. */
  async function keptBy({ traceId }: Publisher): Promise<string | undefined> {
    for (;;) {
      const { body } = await http('GET', `${tiers.http}/v1/traces/${traceId}`);
      const subscriber = (body as TracedWay).sessions[0]?.subscribers[0];
      // It is on its way to the session server, or goes out in a moment.
      if (!subscriber || subscriber.waitsFor === 'merge-window' || subscriber.waitsFor === 'push') continue;
      return subscriber.state === 'pending' ? subscriber.waitsFor : undefined;
    }
  }

  it('is sent a bounded part, keeps nobody else waiting, and gets the latest when it reads again', async () => {
    const shared: Publisher = await client.publish({ dataId: 'shared', data: ['0'] });
    for (let i = 0; i < BALLAST; i++) await client.publish({ dataId: 'large', data: [VALUE] });
    const large: Publisher = await client.publish({ dataId: 'large', data: ['0'] });
    const subscribers = others.map((each) => each.subscribe({ dataId: 'shared' }));
    await Promise.all(subscribers.map((each) => showing(each, '0')));
    for (const dataId of ['shared', 'large']) reader.subscribe(dataId);
    await Promise.all([reader.until('shared', 0), reader.until('large', 0)]);
    reader.socket.pause();

    const reasons = new Set<string>();
    let change = 0;
    for (let held = 0; held < HELD_CHANGES;) {
      expect(++change).toBeLessThan(MOST_CHANGES);
      await large.republish([String(change)], { trace: true });
      const reason = await keptBy(large);
      held = reason === undefined ? 0 : held + 1;
      if (reason !== undefined) reasons.add(reason);
      if (change % 10 !== 0) continue;
      await shared.republish([String(change)]);
      await Promise.all(subscribers.map((each) => showing(each, String(change))));
    }
    expect(acks || reasons.has('slow-reader')).toBe(true);
    await shared.republish([String(change)]);

    reader.socket.resume();
    await Promise.all([reader.until('shared', change), reader.until('large', change)]);
    const seen = reader.seen.get('large')!;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    // What waited for it was the newest state, and none of those before.
    expect(seen.filter((value) => value > change - HELD_CHANGES)).toEqual([change]);
  }, 60_000);
});
