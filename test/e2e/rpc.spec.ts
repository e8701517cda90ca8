import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { RegistryClient, byZone } from '#client';
import type { ClientResult, DatumView, Push } from '#model';
import { RollcallSocket } from '#nest';
import { encodeFrame, expanded } from '#wire';
import { http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';

describe('RPC, as Nest applications and the SDK use it', () => {
  let tiers: Tiers;
  let host: string;
  let port: number;
  const stockClients: ClientProxy[] = [];
  const clients: RegistryClient[] = [];

  beforeAll(async () => {
    tiers = await startTiers();
    const [name, number] = tiers.session.rpcAddress.split(':');
    host = name!;
    port = Number(number);
  });

  afterAll(() => tiers.close());

  afterEach(async () => {
    for (const client of stockClients.splice(0)) client.close();
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });

  function stock(): ClientProxy {
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host, port, socketClass: RollcallSocket },
    });
    stockClients.push(client);
    return client;
  }

  function sdk(): RegistryClient {
    const client = new RegistryClient({ seeds: [tiers.session.rpcAddress] });
    clients.push(client);
    return client;
  }

  const data = (view: { publishers: { data: string[] }[] }): string[] =>
    view.publishers.flatMap((publisher) => publisher.data).toSorted();

  async function datum(dataId: string): Promise<DatumView> {
    return (await http('GET', `${tiers.http}/v1/datums?dataId=${dataId}`)).body;
  }

  it('lets a stock ClientProxy publish, query, subscribe and unsubscribe', async () => {
    const publisher = stock();
    const reader = stock();
    const pushes: Push[] = [];
    const waiters: (() => void)[] = [];
    const stream = reader.send<Push>('registry.subscribe', { dataId: 'stock', subscriptionId: 's1' });
    const ended = new Promise<void>((resolve, reject) => {
      stream.subscribe({
        next: (push) => {
          pushes.push(push);
          for (const wake of waiters.splice(0)) wake();
        },
        error: reject,
        complete: resolve,
      });
    });
    const until = async (condition: (push: Push & { type: 'snapshot' }) => boolean): Promise<void> => {
      while (!pushes.some((push) => push.type === 'snapshot' && condition(push)))
        await new Promise<void>((resolve) => waiters.push(resolve));
    };
    await until((push) => push.publishers.length === 0);

    const result = await firstValueFrom(
      publisher.send<ClientResult & { registerId: string }>('registry.publish', { dataId: 'stock', data: ['a'] }),
    );
    expect(result.status).toBe('stored');
    await until((push) => data(push).join() === 'a');
    const queried = await firstValueFrom(reader.send<DatumView>('registry.query', { dataId: 'stock' }));
    expect(data(queried)).toEqual(['a']);

    await firstValueFrom(publisher.send('registry.unpublish', { dataId: 'stock', registerId: result.registerId }));
    const before = pushes.length;
    await until((push) => push.publishers.length === 0 && pushes.indexOf(push) >= Math.min(before, 2));

    await lastValueFrom(reader.send('registry.unsubscribe', { subscriptionId: 's1' }));
    await ended;
    await expect(firstValueFrom(reader.send('registry.unsubscribe', { subscriptionId: 's1' }))).rejects.toMatchObject({
      code: 'NOT_SUBSCRIBED',
    });
  });

  it('keeps the order of a list of operations', async () => {
    const client = stock();
    const answer = await firstValueFrom(
      client.send<{ results: ClientResult[] }>('registry.apply', {
        operations: [
          { op: 'publish', dataId: 'ordered', registerId: 'r', data: ['1'] },
          { op: 'publish', dataId: 'ordered', registerId: 'r', data: ['2'] },
          { op: 'publish', dataId: '', registerId: 'bad', data: ['3'] },
          { op: 'unpublish', dataId: 'ordered', registerId: 'r' },
          { op: 'publish', dataId: 'ordered', registerId: 'r', data: ['4'] },
        ],
      }),
    );
    expect(answer.results.map((result) => result.status)).toEqual(['stored', 'stored', 'failed', 'stored', 'stored']);
    expect(data(await datum('ordered'))).toEqual(['4']);
  });

  it('publishes, republishes and unpublishes with the SDK, and tells subscribers in order', async () => {
    const seen: string[] = [];
    const subscriber = sdk().subscribe({ dataId: 'sdk' }, (snapshot) => seen.push(data(snapshot).join()));
    expect((await subscriber.ready()).publishers).toEqual([]);
    // What is newer replaces what has not been told yet.
    const sees = async (text: string): Promise<void> => {
      for await (const snapshot of subscriber) if (data(snapshot).join() === text) return;
    };
    const publisher = await sdk().publish({ dataId: 'sdk', data: ['1'] });
    await sees('1');
    for (const text of ['2', '3']) {
      await publisher.republish([text]);
      await sees(text);
    }
    await publisher.unpublish();
    await sees('');
    expect(seen.filter((text, index) => text !== seen[index - 1] && text !== '')).toEqual(['1', '2', '3']);
  });

  it('sends the SDK what has changed, and the whole to whoever says that a change does not apply', async () => {
    const owner = sdk();
    for (let i = 0; i < 20; i++)
      await owner.publish({ dataId: 'deltas', registerId: `d${i}`, data: [`tcp://10.0.0.${i}:1`] });
    const pushes: Push[] = [];
    const told = new EventEmitter();
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) await once(told, 'push');
    };
    const reader = stock();
    const ack = (refused: boolean) =>
      firstValueFrom(
        reader.send('registry.ack', {
          subscriptionId: 's',
          version: (pushes.at(-1) as { version: string }).version,
          refused,
        }),
      );
    reader
      .send<Push>('registry.subscribe', { dataId: 'deltas', subscriptionId: 's', deltas: true })
      .subscribe((push) => {
        pushes.push(push);
        told.emit('push');
      });
    await until(() => pushes.length === 1);
    const subscriber = sdk().subscribe({ dataId: 'deltas' });
    expect((await subscriber.ready()).publishers).toHaveLength(20);
    await ack(false);

    const publisher = await owner.publish({ dataId: 'deltas', registerId: 'late', data: ['tcp://10.0.1.1:1'] });
    await until(() => pushes.length === 2);
    expect(pushes[1]).toMatchObject({
      ...{ type: 'delta', from: (pushes[0] as { version: string }).version, removed: [] },
      ...{ publishers: [{ registerId: 'late' }], hashes: [expect.stringMatching(/^[0-9a-f]{16}$/)] },
    });
    await ack(true);
    await until(() => pushes.length === 3);
    expect(pushes[2]).toMatchObject({ type: 'snapshot', publishers: { length: 21 }, hashes: { length: 21 } });
    await ack(false);
    await publisher.unpublish();
    await until(() => pushes.length === 4);
    expect(pushes[3]).toMatchObject({
      type: 'delta',
      publishers: [],
      removed: ['late'],
      hash: (pushes[0] as { hash: string }).hash,
    });
    for await (const snapshot of subscriber) if (snapshot.publishers.length === 20) break;
    await lastValueFrom(reader.send('registry.unsubscribe', { subscriptionId: 's' }));
  });

  it('compresses a large list for the SDK, and for whoever else says that it reads that', async () => {
    const [reader, plain] = [stock(), stock()];
    const big = { data: Array.from({ length: 3_000 }, (_, i) => `tcp://10.0.0.1:${i}`) };
    await sdk().publish({ dataId: 'large', ...big });
    const snapshot = await sdk().subscribe({ dataId: 'large' }).ready();
    expect(snapshot.publishers[0]!.data).toEqual(big.data);
    const subscribe = (client: ClientProxy) =>
      firstValueFrom(client.send<object>('registry.subscribe', { dataId: 'large', subscriptionId: 's', deltas: true }));
    await firstValueFrom(reader.send('registry.hello', { protocol: 1, encodings: ['br', 'gzip'] }));
    expect(await subscribe(plain)).toMatchObject({ type: 'snapshot', publishers: [big] });
    const pushed = await subscribe(reader);
    expect(pushed).toEqual({ encoding: 'gzip', packed: expect.any(Uint8Array) });
    expect(expanded(pushed)).toEqual(await subscribe(stock()));
  });

  it('takes nothing that is nested so deep that subscribers could not read it', async () => {
    const subscriber = sdk().subscribe({ dataId: 'nested' });
    await subscriber.ready();
    let labels: unknown = 'bottom';
    for (let i = 0; i < 70; i++) labels = { labels };
    const answer = await http('POST', `${tiers.http}/v1/publishers`, { dataId: 'nested', data: ['deep'], labels });
    expect(answer).toMatchObject({ status: 413, body: { code: 'DATA_TOO_LARGE' } });
    await sdk().publish({ dataId: 'nested', data: ['shallow'] });
    for await (const snapshot of subscriber) if (data(snapshot).includes('shallow')) break;
  });

  it('announces with the SDK what everybody is told once', async () => {
    const told: string[][] = [];
    const subscriber = sdk().subscribe({ dataId: 'announced' });
    await sdk().publish({ dataId: 'announced', data: ['stays'] });
    for await (const snapshot of subscriber) if (snapshot.publishers.length === 1) break;
    const heard = new Promise<void>((resolve) => {
      subscriber.on('temporary', (publishers, snapshot) => {
        told.push(data({ publishers }), data(snapshot));
        resolve();
      });
    });
    await sdk().announce({ dataId: 'announced', data: ['once'], zone: 'z' });
    await heard;
    expect(told).toEqual([['once'], ['stays']]);
    expect(data(await datum('announced'))).toEqual(['stays']);
    await expect(sdk().announce({ dataId: '', data: [] })).rejects.toMatchObject({ code: 'INVALID_NAME' });
  });

  it('removes at goodbye what a client published, and only that', async () => {
    const [leaving, staying] = [sdk(), sdk()];
    await leaving.publish({ dataId: 'goodbye', data: ['leaving'] });
    await staying.publish({ dataId: 'goodbye', data: ['staying'] });
    expect(data(await datum('goodbye'))).toEqual(['leaving', 'staying']);
    await leaving.close();
    expect(data(await datum('goodbye'))).toEqual(['staying']);
  });

  it('keeps fields it does not know', async () => {
    await firstValueFrom(stock().send('registry.publish', { dataId: 'fields', data: ['x'], colour: 'red' }));
    expect((await datum('fields')).publishers[0]).toMatchObject({ data: ['x'], colour: 'red' });
  });

  it('takes the zone that a client told once for all it publishes and reads', async () => {
    const zoned = new RegistryClient({ seeds: [tiers.session.rpcAddress], zone: 'z9' });
    clients.push(zoned);
    await zoned.publish({ dataId: 'zoned', data: ['mine'] });
    await sdk().publish({ dataId: 'zoned', data: ['elsewhere'] });
    expect((await datum('zoned')).publishers.map(({ zone }) => zone)).toContain('z9');
    const snapshot = await zoned.subscribe({ dataId: 'zoned', scope: 'zone' }).ready();
    expect(data(snapshot)).toEqual(['mine']);
    expect(snapshot).toMatchObject({ localZone: 'z9', dataCenter: 'DEFAULT_DATA_CENTER' });
    for (const scope of ['dataCenter', 'global'] as const) {
      const wide = await zoned.subscribe({ dataId: 'zoned', scope }).ready();
      expect([...byZone(wide).keys()].toSorted()).toEqual(['DEFAULT_ZONE', 'z9']);
      expect(data({ publishers: byZone(wide).get(wide.localZone!)! })).toEqual(['mine']);
    }
  });

  describe('bad input', () => {
    it.each([
      ['a publication without dataId', 'registry.publish', { data: [] }, 'INVALID_NAME'],
      ['a control character', 'registry.publish', { dataId: 'a\nb', data: [] }, 'INVALID_NAME'],
      ['the separator', 'registry.publish', { dataId: 'a', group: 'x#@#y', data: [] }, 'INVALID_NAME'],
      ['a name over 512 bytes', 'registry.publish', { dataId: 'x'.repeat(513), data: [] }, 'INVALID_NAME'],
      ['data over 64 KiB', 'registry.publish', { dataId: 'a', data: ['x'.repeat(65_537)] }, 'DATA_TOO_LARGE'],
      [
        '10,001 strings',
        'registry.publish',
        { dataId: 'a', data: Array.from({ length: 10_001 }, () => '') },
        'DATA_TOO_LARGE',
      ],
      ['an unknown scope', 'registry.query', { dataId: 'a', scope: 'world' }, 'INVALID_SCOPE'],
      ['ending what is not subscribed', 'registry.unsubscribe', { subscriptionId: 'never' }, 'NOT_SUBSCRIBED'],
      ['removing what is not known', 'registry.unpublish', { dataId: 'a', registerId: 'never' }, 'NOT_REGISTERED'],
      ['another protocol version', 'registry.hello', { protocol: 99 }, 'UNSUPPORTED_PROTOCOL'],
      ['an unknown pattern', 'registry.nothing', {}, 'UNKNOWN_PATTERN'],
      ['a list that is none', 'registry.apply', { operations: 'x' }, 'BAD_REQUEST'],
    ])('refuses %s', async (_, pattern, payload, code) => {
      await expect(firstValueFrom(stock().send(pattern, payload))).rejects.toMatchObject({ code });
    });

    it('survives events that cannot be handled, of which nobody hears', async () => {
      const client = stock();
      for (const [pattern, payload] of [
        ['registry.publish', {}],
        ['registry.ack', { subscriptionId: 'never', version: '1.1' }],
        ['registry.subscribe', { dataId: 'a', subscriptionId: 's' }],
        ['registry.nothing', {}],
      ] as const)
        await lastValueFrom(client.emit(pattern, payload), { defaultValue: undefined });
      expect(await firstValueFrom(client.send('registry.heartbeat', {}))).toEqual({});
    });

    it('closes whoever sends what is no frame, and nobody else notices', async () => {
      const innocent = sdk();
      const publisher = await innocent.publish({ dataId: 'innocent', data: ['1'] });
      const states: string[] = [];
      innocent.on('state', (state) => states.push(state));
      const attacks = [
        Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]),
        Buffer.from([0, 0, 0, 2, 0xc1, 0xc1]),
        encodeFrame('a string is not a message'),
        encodeFrame([1, 2, 3]),
        encodeFrame({ no: 'pattern' }),
      ];
      for (const attack of attacks) {
        const socket = connect({ host, port });
        await once(socket, 'connect');
        socket.resume();
        const closed = once(socket, 'close');
        socket.write(attack);
        await closed;
      }
      const dribbling = connect({ host, port });
      await once(dribbling, 'connect');
      dribbling.write(Buffer.from([0, 0, 1, 0, 0x81]));
      await publisher.republish(['2']);
      expect(data(await datum('innocent'))).toEqual(['2']);
      expect(states).toEqual([]);
      dribbling.destroy();
    });
  });
});
