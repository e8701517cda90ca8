import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { Etcd3 } from 'etcd3';
import { MemoryStore } from '#etcd/testing';
import { type Edge, RawClient, failureOf, startEdge } from './etcd.harness.js';

describe('the server for clients of etcd', () => {
  let edge: Edge;
  let client: RawClient;

  const start = async (...args: Parameters<typeof startEdge> extends [unknown, ...infer Rest] ? Rest : never) => {
    edge = await startEdge(new MemoryStore(() => 0), ...args);
    client = new RawClient(edge.address);
  };

  afterEach(async () => {
    client.close();
    await edge.close();
  });

  const version = async (): Promise<unknown> => (await client.call('Maintenance.Status'))['version'];

  it('says how it is and who serves', async () => {
    await start({}, [{ id: 18446744073709551615n, name: 'one', address: '10.0.0.7:2379' }]);
    expect(await client.call('Maintenance.Status')).toMatchObject({
      ...{ version: '3.4.0', leader: '1', raftTerm: '1', raftIndex: '1', errors: [] },
      header: { member_id: '1', revision: '1' },
    });
    expect(await client.call('Cluster.MemberList')).toMatchObject({
      members: [{ ID: '18446744073709551615', name: 'one', clientURLs: ['http://10.0.0.7:2379'], isLearner: false }],
    });
  });

  it.each([
    ['v3lockpb.Lock.Lock', 'rollcall: there are no locks: a registry cannot promise that only one has them'],
    ['v3lockpb.Lock.Unlock', 'rollcall: there are no locks: a registry cannot promise that only one has them'],
    ...['Campaign', 'Proclaim', 'Leader', 'Resign'].map((method) => [
      `v3electionpb.Election.${method}`,
      'rollcall: there are no elections: a registry cannot promise that only one has them',
    ]),
  ])('refuses %s', async (path, message) => {
    await start();
    expect(await failureOf(client.call(path))).toEqual(['UNIMPLEMENTED', message]);
  });

  it('refuses to observe an election', async () => {
    await start();
    const stream = client.stream('v3electionpb.Election.Observe');
    expect(await stream.ended).toEqual(['UNIMPLEMENTED', expect.stringContaining('there are no elections')]);
  });

  const bytes = (message: Buffer) => message;
  const raw = (path: string, message: Buffer): Promise<unknown> => {
    const direct = new Client(edge.address, credentials.createInsecure());
    return new Promise((resolve, reject) =>
      direct.makeUnaryRequest(path, bytes, bytes, message, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    ).finally(() => direct.close());
  };

  it.each(['/etcdserverpb.Maintenance/Snapshot', '/etcdserverpb.Auth/AuthEnable', '/etcdserverpb.None/Call', '/none'])(
    'does not know %s',
    async (path) => {
      await start();
      expect((await failureOf(raw(path, Buffer.alloc(0))))[0]).toBe('UNIMPLEMENTED');
    },
  );

  it.each([Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from([0x0a, 0x7f, 0x61])])(
    'fails a message that is none, and goes on',
    async (message) => {
      await start();
      expect((await failureOf(raw('/etcdserverpb.KV/Range', message)))[0]).toBe('INTERNAL');
      expect(await version()).toBe('3.4.0');
    },
  );

  it.each([
    'GET / HTTP/1.1\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + '\x7f'.repeat(99),
  ])('lets go of who speaks something else (%j), and goes on', async (said) => {
    await start();
    const stranger = connect(edge.server.port, '127.0.0.1');
    stranger.on('error', () => {});
    stranger.write(said);
    stranger.resume();
    if (!said.startsWith('\x16')) await once(stranger, 'close');
    else stranger.destroy();
    expect(await version()).toBe('3.4.0');
  });

  it('closes connections above those that it may have, until one of them has gone', async () => {
    await start({ maxConnections: 2 });
    const dial = (): Socket =>
      connect(edge.server.port, '127.0.0.1')
        .on('error', () => {})
        .resume() as Socket;
    const [first, second] = [dial(), dial()];
    await Promise.all([once(first, 'data'), once(second, 'data')]);
    await once(dial(), 'close');
    first.destroy();
    const well = async (): Promise<boolean> => {
      const another = new RawClient(edge.address);
      const [code] = await failureOf(another.call('Maintenance.Status')).finally(() => another.close());
      return code === 'OK';
    };
    // Each attempt takes a turn of both ends, and the server sees within one that a place is free.
    let isWell = false;
    while (!isWell) isWell = await well();
    expect(isWell).toBe(true);
    second.destroy();
  });

  it('lets go of who says nothing, and answers nothing', async () => {
    await start({ keepaliveMs: 50 });
    const silent = connect(edge.server.port, '127.0.0.1').resume();
    await once(silent, 'close');
    expect(await version()).toBe('3.4.0');
  });

  it('says which port is taken', async () => {
    await start();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    await expect(startEdge(new MemoryStore(() => 0), { port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
    taken.close();
  });

  it('goes: answers what it has been asked, ends streams, and takes nobody any more', async () => {
    await start();
    const [watch, leases] = [client.stream('Watch.Watch'), client.stream('Lease.LeaseKeepAlive')];
    watch.send({ create_request: { key: Buffer.from('a') } });
    leases.send({ ID: '1' });
    await Promise.all([watch.next(), leases.next()]);
    edge.server.drain();
    const gone = ['UNAVAILABLE', 'etcdserver: server stopped'];
    expect(await Promise.all([watch.ended, leases.ended])).toEqual([gone, gone]);
    const late = new RawClient(edge.address);
    expect((await failureOf(late.call('Maintenance.Status')))[0]).toBe('UNAVAILABLE');
    late.close();
    expect(edge.streams.count).toBe(0);
  });

  it('serves the client of npm, etcd3, as it is', async () => {
    await start();
    const etcd = new Etcd3({ hosts: edge.address });
    const lease = etcd.lease(60);
    await lease.put('app/a').value('1');
    const watcher = await etcd.watch().prefix('app/').create();
    const put = once(watcher, 'put');
    await etcd.put('app/b').value('2');
    expect((await put)[0]).toMatchObject({ key: Buffer.from('app/b') });
    expect(await etcd.getAll().prefix('app/').strings()).toEqual({ 'app/a': '1', 'app/b': '2' });
    await etcd.if('app/c', 'Create', '==', 0).then(etcd.put('app/c').value('3')).commit();
    const gone = once(watcher, 'delete');
    await lease.revoke();
    expect((await gone)[0]).toMatchObject({ key: Buffer.from('app/a') });
    expect(await etcd.getAll().prefix('app/').keys()).toEqual(['app/b', 'app/c']);
    await watcher.cancel();
    etcd.close();
  });
});
